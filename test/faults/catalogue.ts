/** Every id of the catalogue of faults, `R-01` to `R-33`. */
export const FAULTS: readonly string[] = Array.from({ length: 33 }, (_, index) => `R-${String(index + 1).padStart(2, '0')}`);
