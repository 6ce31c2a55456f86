declare module 'autocannon' {
  export interface Load {
    url: string;
    connections: number;
    duration: number;
    requests: { method: string; path: string; headers: Record<string, string> }[];
  }
  export interface Result {
    requests: { average: number; total: number };
    non2xx: number;
    errors: number;
  }
  export default function autocannon(load: Load): Promise<Result>;
}
