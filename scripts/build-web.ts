/**
 * Builds the pages into `dist/web`: `index.html`, `widget.js` and, under `assets/`, files whose names carry a hash of what they
 * hold, so that browsers may keep them for ever. Text is also written compressed. Run by `npm run build`; tests call it as well.
 */
import { build, type BuildOptions, type Metafile } from 'esbuild';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const source = (path: string): string => join(root, 'web', path);
export const WEB_FOLDER = join(root, 'dist/web');

/** Files of a build: path below the folder → content. */
type Files = Map<string, Buffer>;

const shared: BuildOptions = {
  bundle: true, minify: true, write: false, metafile: true, target: 'es2022', charset: 'utf8', legalComments: 'linked', logLevel: 'silent',
  define: { 'process.env.NODE_ENV': '"production"' }, absWorkingDir: root, outdir: WEB_FOLDER,
};

export interface WebBuild {
  /** Every script of the chat page together, also what it loads later, as sent to browsers that take gzip. */
  readonly scriptBytesGzip: number;
  /** What a site loads for the button; the page comes when it is opened. */
  readonly widgetBytesGzip: number;
  /** Paths of the scripts with their bytes. */
  readonly scripts: Readonly<Record<string, number>>;
}

/** Builds, and changes only files that differ: a server that serves the folder meanwhile notices nothing. */
export async function buildWeb(folder = WEB_FOLDER): Promise<WebBuild> {
  const files: Files = new Map();
  const page = await build({
    ...shared, entryPoints: [source('chat/main.tsx'), source('chat/chat.css')], format: 'esm', splitting: true, jsx: 'automatic',
    outdir: join(WEB_FOLDER, 'assets'), entryNames: '[name]-[hash]', chunkNames: '[name]-[hash]', assetNames: '[name]-[hash]',
  });
  const theme = await build({ ...shared, entryPoints: [source('chat/theme-first.ts')], format: 'iife', outdir: join(WEB_FOLDER, 'assets'), entryNames: '[name]-[hash]' });
  const widget = await build({ ...shared, entryPoints: [source('widget/widget.ts')], format: 'iife', entryNames: '[name]' });
  for (const { outputFiles } of [page, theme, widget]) for (const { path, contents } of outputFiles ?? []) files.set(relative(WEB_FOLDER, path), Buffer.from(contents));
  const icon = hashed('icon.svg', readFileSync(source('chat/icon.svg')), files);
  files.set('index.html', Buffer.from(indexHtml({
    theme: entryOf(theme.metafile, 'web/chat/theme-first.ts'), style: entryOf(page.metafile, 'web/chat/chat.css'), script: entryOf(page.metafile, 'web/chat/main.tsx'), icon,
  })));
  const scripts = Object.fromEntries([...files].filter(([path]) => path.endsWith('.js')).map(([path, content]) => [path, gzipSync(content, { level: 9 }).length]));
  compress(files);
  writeAll(folder, files);
  const { 'widget.js': widgetBytesGzip = 0, ...ofPage } = scripts;
  return { scriptBytesGzip: Object.values(ofPage).reduce((sum, bytes) => sum + bytes, 0), widgetBytesGzip, scripts };
}

/** Where an entry went, as a URL. */
function entryOf(metafile: Metafile | undefined, entry: string): string {
  const found = Object.entries(metafile?.outputs ?? {}).find(([, { entryPoint }]) => entryPoint === entry)?.[0];
  if (found === undefined) throw new Error(`the build made nothing of ${entry}`);
  return `/${relative('dist/web', found)}`;
}

function hashed(name: string, content: Buffer, files: Files): string {
  const hash = createHash('sha256').update(content).digest('hex').slice(0, 8).toUpperCase();
  const path = `assets/${name.replace(/(\.[a-z]+)$/, `-${hash}$1`)}`;
  files.set(path, content);
  return `/${path}`;
}

function indexHtml(urls: Readonly<Record<string, string>>): string {
  return readFileSync(source('chat/index.html'), 'utf8').replace(/\{\{(\w+)\}\}/g, (_whole, name: string) => {
    const url = urls[name];
    if (url === undefined) throw new Error(`index.html asks for ${name}`);
    return url;
  });
}

/** Beside each text its `.br` and `.gz`, where they are smaller. */
function compress(files: Files): void {
  for (const [path, content] of [...files]) {
    if (!/\.(js|css|html|svg)$/.test(path)) continue;
    files.set(`${path}.gz`, gzipSync(content, { level: 9 }));
    files.set(`${path}.br`, brotliCompressSync(content, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }));
  }
}

/** New files first, `index.html` after what it names, and only then what is old goes away. */
function writeAll(folder: string, files: Files): void {
  for (const [path, content] of [...files].sort(([one], [other]) => Number(one.startsWith('index')) - Number(other.startsWith('index')))) {
    const target = join(folder, path);
    if (existsSync(target) && readFileSync(target).equals(content)) continue;
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, content);
  }
  for (const path of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (!files.has(path) && statSync(join(folder, path)).isFile()) rmSync(join(folder, path));
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { scriptBytesGzip, widgetBytesGzip } = await buildWeb();
  process.stdout.write(`dist/web: ${(scriptBytesGzip / 1000).toFixed(1)} kB of scripts (gzip), widget ${(widgetBytesGzip / 1000).toFixed(1)} kB\n`);
}
