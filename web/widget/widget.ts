/**
 * The widget: one script tag puts a button on a site that opens the chat in a frame. Options are `data-` attributes of the tag
 * and `window.Confab` (web/README.md). All of it lives in a shadow root, so the styles of the site and its own leave each
 * other alone; nothing inline is used, so a site's content security policy need only name the server.
 */
import { messageOf, type ToPage, type ToSite } from '../shared/frame-messages.js';
import { WIDGET_CSS } from './widget-style.js';

interface WidgetOptions {
  readonly title: string;
  readonly position: 'left' | 'right';
  readonly colour: string | undefined;
  readonly open: boolean;
  readonly conversation: string | undefined;
  readonly theme: 'light' | 'dark' | undefined;
  readonly token: (() => string | Promise<string>) | undefined;
}

/** What a site finds at `window.Confab` once the widget is there. */
interface Controls {
  open(): void;
  close(): void;
  /** A token that has not been asked for, after a login for example. */
  setToken(token: string): void;
}

type Settings = Partial<Omit<WidgetOptions, 'token'>> & { token?: WidgetOptions['token'] };
type Site = Window & { Confab?: Settings & Partial<Controls> };

const script = document.currentScript as HTMLScriptElement | null;

function readOptions(): WidgetOptions {
  const given = (window as Site).Confab ?? {};
  const data = script?.dataset ?? {};
  const theme = given.theme ?? data.theme;
  return {
    title: given.title ?? data.title ?? 'Chat',
    position: (given.position ?? data.position) === 'left' ? 'left' : 'right',
    colour: given.colour ?? data.colour,
    open: given.open ?? (data.open !== undefined && data.open !== 'false'),
    conversation: given.conversation ?? data.conversation,
    theme: theme === 'light' || theme === 'dark' ? theme : undefined,
    token: given.token,
  };
}

class Widget implements Controls {
  private readonly origin: string;
  private readonly host = document.createElement('confab-chat');
  private readonly button = document.createElement('button');
  private readonly badge = document.createElement('span');
  private readonly place = document.createElement('div');
  private frame: HTMLIFrameElement | undefined;
  private unread = 0;
  private shown = false;

  constructor(private readonly options: WidgetOptions, source: string) {
    this.origin = new URL(source, window.location.href).origin;
    const root = this.host.attachShadow({ mode: 'open' });
    root.adoptedStyleSheets = [styleSheet(options)];
    this.place.className = `place ${options.position}`;
    this.button.type = 'button';
    this.button.className = 'button';
    this.button.append(icon('M5 5h14a2.5 2.5 0 0 1 2.5 2.5v7A2.5 2.5 0 0 1 19 17h-6.5L8 21v-4H5a2.5 2.5 0 0 1-2.5-2.5v-7A2.5 2.5 0 0 1 5 5Z', 'chat'), icon('m6 9 6 6 6-6', 'fold'), this.badge);
    this.badge.className = 'badge';
    this.place.append(this.button);
    root.append(this.place);
    this.button.addEventListener('click', () => { if (this.shown) this.close(); else this.open(); });
    window.addEventListener('message', (event) => { this.hear(event); });
    document.body.append(this.host);
    this.draw();
    if (options.open) this.open();
  }

  open(): void {
    this.frame ??= this.makeFrame();
    this.unread = 0;
    this.shown = true;
    this.draw();
    this.frame.focus();
  }

  close(): void {
    const hadFocus = this.host.shadowRoot?.activeElement === this.frame;
    this.shown = false;
    this.draw();
    if (hadFocus) this.button.focus();
  }

  setToken(token: string): void { this.tell({ confab: 'token', token }); }

  private makeFrame(): HTMLIFrameElement {
    const frame = document.createElement('iframe');
    frame.title = this.options.title;
    frame.className = 'frame';
    frame.allow = 'clipboard-write';
    frame.src = `${this.origin}/`;
    this.place.prepend(frame);
    return frame;
  }

  private hear({ data, source, origin }: MessageEvent): void {
    if (this.frame === undefined || source !== this.frame.contentWindow || origin !== this.origin) return;
    const message = messageOf<ToSite>(data);
    switch (message?.confab) {
      case 'ready': {
        const { title, colour, conversation, theme, token } = this.options;
        this.tell({
          confab: 'options', title, token: token !== undefined,
          ...(colour === undefined ? {} : { colour }), ...(conversation === undefined ? {} : { conversation }), ...(theme === undefined ? {} : { theme }), ...remembered(),
        });
        break;
      }
      case 'token-wanted': void this.giveToken(); break;
      case 'replied': if (!this.shown) { this.unread += 1; this.draw(); } break;
      case 'conversation': remember(message.conversation); break;
      case 'close': this.close(); break;
      case undefined: break;
    }
  }

  private async giveToken(): Promise<void> {
    try {
      const token = await this.options.token?.();
      if (token !== undefined) this.setToken(token);
    } catch (error) {
      // The page says after a while that it got none; why is for the site's developers.
      // eslint-disable-next-line no-console -- there is no other place to tell them
      console.error('Confab: window.Confab.token failed', error);
    }
  }

  private tell(message: ToPage): void { this.frame?.contentWindow?.postMessage(message, this.origin); }

  private draw(): void {
    this.place.classList.toggle('open', this.shown);
    if (this.frame !== undefined) this.frame.hidden = !this.shown;
    this.button.setAttribute('aria-expanded', String(this.shown));
    this.button.setAttribute('aria-label', this.shown ? `Close ${this.options.title}` : this.unread === 0 ? this.options.title : `${this.options.title}, ${this.unread} new`);
    this.badge.textContent = this.unread === 0 ? '' : String(this.unread);
  }
}

const MEMORY = 'confab.conversation';

/** Frames of other origins cannot store anything in some browsers: the site's own storage remembers the conversation for them. */
function remembered(): { remembered?: string } {
  try {
    const stored = localStorage.getItem(MEMORY);
    return stored === null ? {} : { remembered: stored };
  } catch { return {}; }
}

function remember(conversation: string): void {
  try { localStorage.setItem(MEMORY, conversation); } catch { /* it lasts as long as the page, then */ }
}

function styleSheet({ colour }: WidgetOptions): CSSStyleSheet {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(WIDGET_CSS);
  if (colour !== undefined && /^#[0-9a-f]{6}$/i.test(colour)) sheet.insertRule(`:host { --colour: ${colour}; }`, sheet.cssRules.length);
  return sheet;
}

function icon(path: string, name: string): SVGSVGElement {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  const line = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  for (const [key, value] of Object.entries({ viewBox: '0 0 24 24', width: '26', height: '26', fill: 'none', stroke: 'currentColor', 'stroke-width': '1.8', 'stroke-linecap': 'round', 'stroke-linejoin': 'round', 'aria-hidden': 'true', class: name })) svg.setAttribute(key, value);
  line.setAttribute('d', path);
  svg.append(line);
  return svg;
}

function start(): void {
  const source = script?.src;
  if (source === undefined || source === '') return;
  const site = window as Site;
  const widget = new Widget(readOptions(), source);
  site.Confab = { ...site.Confab, open: () => { widget.open(); }, close: () => { widget.close(); }, setToken: (token: string) => { widget.setToken(token); } } as unknown as Settings & Controls;
}

if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', start);
else start();
