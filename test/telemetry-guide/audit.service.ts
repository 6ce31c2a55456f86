import { Injectable } from '@nestjs/common';
import { TokenEvents } from 'nestjs-token';
import { bufferTime, filter } from 'rxjs';

@Injectable()
export class AuditService {
  readonly batches: object[][] = [];

  constructor(events: TokenEvents) {
    events
      .pipe(
        filter((event) => event.type !== 'rotated'),
        bufferTime(100),
        filter((batch) => batch.length > 0),
      )
      .subscribe((batch) => this.store(batch));
  }

  private store(batch: object[]): void {
    this.batches.push(batch);
  }
}
