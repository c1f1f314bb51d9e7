/** Rows of the table: what was measured, what is wanted, and whether it is reached. */
export interface Row {
  readonly name: string;
  readonly value: number;
  /** None: told for comparison. */
  readonly least?: number;
  readonly most?: number;
  readonly unit: '%' | '' | 'ms' | 'us' | 'MB' | 'x';
  readonly note?: string;
}

export const percent = (name: string, share: number, least?: number, note?: string): Row => ({ name, value: share * 100, unit: '%', ...(least !== undefined && { least }), ...(note !== undefined && { note }) });

export const isMet = ({ value, least, most }: Row): boolean => (least === undefined || value >= least) && (most === undefined || value <= most);

const digits = ({ unit, value }: Row): string => value.toFixed(unit === '' ? 4 : unit === 'ms' ? 0 : unit === 'us' ? 1 : 2);

export function tableOf(rows: readonly Row[]): string {
  const width = Math.max(...rows.map(({ name }) => name.length));
  return rows.map((row) => {
    const wanted = row.least !== undefined ? `>= ${row.least}` : row.most !== undefined ? `<= ${row.most}` : '';
    const verdict = wanted === '' ? '' : isMet(row) ? 'reached' : 'SHORT';
    return `${row.name.padEnd(width)}  ${digits(row).padStart(9)} ${row.unit.padEnd(2)}  ${wanted.padEnd(10)} ${verdict.padEnd(8)}${row.note ?? ''}`.trimEnd();
  }).join('\n');
}
