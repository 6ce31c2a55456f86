import { TokenSessionEntity } from 'nestjs-token/typeorm';
import { getMetadataArgsStorage } from 'typeorm';

/** Gives the entity the column that a later release of the package adds: nullable, so that older code may leave it out. */
export function addColumnOfNextRelease(): void {
  getMetadataArgsStorage().columns.push({
    target: TokenSessionEntity,
    propertyName: 'colour',
    mode: 'regular',
    options: { type: 'varchar', length: 16, nullable: true },
  });
}
