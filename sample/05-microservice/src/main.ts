// Starts both services in one process, to try them out. In production, each of them is a process of its own.
await import('./gateway/main.js');
await import('./reports/main.js');

export {};
