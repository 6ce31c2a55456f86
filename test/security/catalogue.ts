/** The catalogue of bad inputs: families of rows, and how many rows each has. */
export const FAMILIES = { ALG: 14, HDR: 24, CLM: 31, ENC: 15, HTTP: 22, COOK: 10, TYPE: 11, CSRF: 12, INJ: 6 } as const;

/** Every id of the catalogue, such as `ALG-01`. */
export const CATALOGUE: readonly string[] = Object.entries(FAMILIES).flatMap(([family, count]) =>
  Array.from({ length: count }, (_, index) => `${family}-${String(index + 1).padStart(2, '0')}`),
);

const COOKIES = 'tokens travel in headers only: the cookie transport comes with a later version';

const idsOf = (family: keyof typeof FAMILIES): string[] => CATALOGUE.filter((id) => id.startsWith(`${family}-`));
const withReason = (ids: readonly string[], reason: string): [string, string][] => ids.map((id) => [id, reason]);

/** Rows that no test covers, and why. */
export const NOT_APPLICABLE: ReadonlyMap<string, string> = new Map([
  ...withReason(idsOf('COOK'), COOKIES),
  ...withReason(
    idsOf('CSRF').filter((id) => id !== 'CSRF-12'),
    COOKIES,
  ),
  ...withReason(['INJ-02'], 'cookie names, domains and paths are options of the cookie transport, which comes with a later version'),
]);
