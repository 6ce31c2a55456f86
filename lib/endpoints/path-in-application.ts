import { RequestMethod } from '@nestjs/common';
import type { ApplicationConfig } from '@nestjs/core';

/**
 * Returns the path at which clients find a route that is called with POST: with the global prefix of the application, unless the
 * application excludes the route from it.
 */
export function pathInApplication(path: string, config: ApplicationConfig): string {
  const { exclude = [] } = config.getGlobalPrefixOptions();
  const isExcluded = exclude.some(
    ({ pathRegex, requestMethod }) =>
      (requestMethod === RequestMethod.ALL || requestMethod === RequestMethod.POST) && pathRegex.test(`/${path}`),
  );
  const prefix = isExcluded ? '' : config.getGlobalPrefix().replace(/^\/|\/$/g, '');
  return prefix === '' ? `/${path}` : `/${prefix}/${path}`;
}
