/** Which methods a path takes: for 405 with Allow. Asked only when no route was found; and all routes, for tests. */

export class RouteTable {
  private readonly methods = new Map<string, Set<string>>();
  private compiled: { form: RegExp; methods: Set<string> }[] | undefined;

  add(method: string | string[], url: string): void {
    const known = this.methods.get(url) ?? new Set<string>();
    for (const name of [method].flat()) known.add(name);
    this.methods.set(url, known);
    this.compiled = undefined;
  }

  /** Every route, as `METHOD /path/:parameter`. */
  all(): string[] {
    return [...this.methods].flatMap(([url, methods]) => [...methods].map((method) => `${method} ${url}`)).sort();
  }

  methodsOf(path: string): string[] {
    this.compiled ??= [...this.methods].filter(([url]) => url !== '*').map(([url, methods]) => ({ form: formOf(url), methods }));
    return [...new Set(this.compiled.filter(({ form }) => form.test(path)).flatMap(({ methods }) => [...methods]))].sort();
  }
}

function formOf(url: string): RegExp {
  const parts = url.split('/').map((part) => (part.startsWith(':') ? '[^/]+' : part === '*' ? '.*' : part.replace(/[.+?^${}()|[\]\\]/g, '\\$&')));
  return new RegExp(`^${parts.join('/')}$`);
}
