import type { FastifyReply, FastifyRequest } from 'fastify';

/** What the application itself puts into each context. */
const loaders = (): object => ({ notes: new Map() });

// Apollo on Express
export const ofExpress = ({ req, res }: { req: object; res: object }): object => ({ req, res, loaders: loaders() });

// Apollo on Fastify
export const ofFastify = (req: FastifyRequest, res: FastifyReply): object => ({ req, res, loaders: loaders() });

// Mercurius adds the reply by itself
export const ofMercurius = (req: FastifyRequest): object => ({ req, loaders: loaders() });
