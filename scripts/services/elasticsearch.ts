/** Elasticsearch's server core from Maven Central's jars, one node, with the two small Java files beside this one. */
import { mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureJava, fetchJars, installOnce, runTool } from './packages.js';
import { freePort } from './ports.js';
import { launch, startAll, waitReady } from './processes.js';
import type { Service } from './service.js';

const VERSION = '8.19.9';
const TRANSPORT = 1;
const sources = join(dirname(fileURLToPath(import.meta.url)), 'elasticsearch');

const LOGGING = `status=error
appender.console.type=Console
appender.console.name=console
appender.console.layout.type=PatternLayout
appender.console.layout.pattern=[%d{ISO8601}][%-5p][%-25c{1.}] %m%n
rootLogger.level=info
rootLogger.appenderRef.console.ref=console
`;

function describeModule(folder: string, name: string, mainClass: string): void {
  writeFileSync(join(folder, 'plugin-descriptor.properties'), `name=${name}\ndescription=${name}\nversion=${VERSION}\nelasticsearch.version=${VERSION}\njava.version=17\nclassname=${mainClass}\n`);
}

/** The server is not on Maven Central as a whole: its jars are, the transport's module is laid out, the rest is compiled here. */
async function build(folder: string): Promise<void> {
  const java = await ensureJava({ compiler: true });
  const javac = join(dirname(java), 'javac');
  const [jars, transport, analysis, classes, moduleClasses] = ['lib', 'modules/transport-netty4', 'modules/analysis-small', 'classes', 'module-classes'].map((name) => join(folder, name)) as [string, string, string, string, string];
  for (const name of [transport, analysis, classes, moduleClasses, join(folder, 'plugins'), join(folder, 'config')]) mkdirSync(name, { recursive: true });
  await fetchJars([`org.elasticsearch:elasticsearch:${VERSION}`, `org.elasticsearch.plugin:transport-netty4:${VERSION}`], jars);
  for (const jar of readdirSync(jars)) if (/^(netty|transport-netty4)-/.test(jar)) renameSync(join(jars, jar), join(transport, jar));
  describeModule(transport, 'transport-netty4', 'org.elasticsearch.transport.netty4.Netty4Plugin');
  describeModule(analysis, 'analysis-small', 'AnalysisSmallPlugin');
  await runTool(javac, ['-nowarn', '-cp', `${jars}/*`, '-d', classes, join(sources, 'NodeMain.java')]);
  await runTool(javac, ['-nowarn', '-cp', `${jars}/*`, '-d', moduleClasses, join(sources, 'AnalysisSmallPlugin.java')]);
  await runTool(join(dirname(java), 'jar'), ['cf', join(analysis, `analysis-small-${VERSION}.jar`), '-C', moduleClasses, '.']);
  writeFileSync(join(folder, 'config/elasticsearch.yml'), '');
  writeFileSync(join(folder, 'config/log4j2.properties'), LOGGING);
}

const install = (): Promise<string> => installOnce(`elasticsearch-${VERSION}`, build);

function javaArguments(home: string, folder: string, port: number): string[] {
  const settings = {
    'path.data': join(folder, 'data'), 'path.logs': join(folder, 'logs'), 'http.port': port, 'http.host': '127.0.0.1',
    'transport.host': '127.0.0.1', 'transport.port': port + TRANSPORT, 'network.host': '127.0.0.1', 'discovery.type': 'single-node',
    'cluster.name': 'confab-test', 'node.name': 'es-1', 'cluster.routing.allocation.disk.threshold_enabled': false,
  };
  return [
    '-Xms384m', '-Xmx384m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', `-Des.path.home=${home}`, `-Djava.io.tmpdir=${folder}`,
    '-Dlog4j2.formatMsgNoLookups=true', '-Dlog4j2.disable.jmx=true', '-Djava.awt.headless=true', '--add-opens=java.base/java.io=ALL-UNNAMED',
    '-cp', `${home}/classes:${home}/lib/*`, 'NodeMain', home, ...Object.entries(settings).map(([name, value]) => `${name}=${value}`),
  ];
}

export const elasticsearch: Service = {
  name: 'elasticsearch',
  purpose: `Elasticsearch ${VERSION}, server core, one node`,
  compose: { service: 'elasticsearch', addresses: { CONFAB_TEST_ELASTICSEARCH_URL: 'http://127.0.0.1:9200' } },
  install: async () => { await install(); },
  async start(folder) {
    const java = await ensureJava();
    const home = await install();
    const port = await freePort(19200, [TRANSPORT]);
    mkdirSync(folder, { recursive: true });
    const url = `http://127.0.0.1:${port}`;
    const processes = await startAll(
      [() => launch(java, javaArguments(home, folder, port), { name: 'elasticsearch', folder })],
      (started) => waitReady(started, async () => (await fetch(`${url}/_cluster/health?wait_for_status=yellow&timeout=1s`)).ok, 90_000),
    );
    return { processes, addresses: { CONFAB_TEST_ELASTICSEARCH_URL: url }, about: url };
  },
};
