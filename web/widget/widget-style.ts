/** Styles of the widget, for a constructed style sheet in its shadow root. */
export const WIDGET_CSS = `
:host { --colour: #1f5f52; --ink: #ffffff; all: initial; }
.place { position: fixed; bottom: 20px; z-index: 2147483000; display: flex; flex-direction: column; gap: 12px; pointer-events: none; }
.place > * { pointer-events: auto; }
.right { right: 20px; align-items: flex-end; }
.left { left: 20px; align-items: flex-start; }
.button { position: relative; display: grid; place-items: center; width: 58px; height: 58px; padding: 0; border: 0; border-radius: 50%; cursor: pointer;
  color: var(--ink); background: var(--colour); box-shadow: 0 2px 6px rgb(0 0 0 / 18%), 0 10px 30px rgb(0 0 0 / 22%); transition: transform .16s ease; }
.button:hover { transform: translateY(-2px); }
.button:focus-visible { outline: 3px solid var(--colour); outline-offset: 3px; }
.button svg { grid-area: 1 / 1; transition: opacity .16s ease, transform .16s ease; }
.fold, .open .chat { opacity: 0; transform: scale(.6); }
.open .fold { opacity: 1; transform: none; }
.badge { position: absolute; top: -2px; right: -2px; min-width: 12px; padding: 3px 6px; border-radius: 12px; font: 600 12px/1.2 system-ui, sans-serif; text-align: center; color: #fff; background: #b3372b; }
.badge:empty { display: none; }
.frame { width: min(400px, calc(100vw - 40px)); height: min(640px, calc(100dvh - 120px)); border: 0; border-radius: 18px; background: Canvas;
  color-scheme: light dark; box-shadow: 0 4px 14px rgb(0 0 0 / 12%), 0 24px 70px rgb(0 0 0 / 26%); }
.frame[hidden] { display: none; }
@media (max-width: 480px) {
  .place.open { inset: 0; gap: 0; }
  .open .frame { width: 100vw; height: 100dvh; border-radius: 0; }
  .open .button { display: none; }
}
@media (prefers-reduced-motion: reduce) { .button, .button svg { transition: none; } }
`;
