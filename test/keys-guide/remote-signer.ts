import { Signer } from 'nestjs-token';

/** Has access tokens signed by another process, which alone has the private key. */
export class RemoteSigner extends Signer {
  readonly algorithm = 'ES256';

  constructor(
    readonly kid: string,
    private readonly address: string,
  ) {
    super();
  }

  async sign(input: Uint8Array): Promise<Uint8Array> {
    const response = await fetch(this.address, { method: 'POST', body: Buffer.from(input), signal: AbortSignal.timeout(2_000) });
    if (!response.ok) throw new Error(`the signing service responded ${response.status}`);
    return new Uint8Array(await response.arrayBuffer());
  }
}
