import { Injectable } from '@nestjs/common';
import type { TokenKey } from 'nestjs-token';
import { before } from './rotation.js';

/** Stands for the place where an application keeps its keys. */
@Injectable()
export class VaultService {
  held: TokenKey[] = before;

  async tokenKeys(): Promise<TokenKey[]> {
    return this.held;
  }
}
