/** The secrets of the old application. */
export const OLD_ACCESS_SECRET = 'the-old-access-secret-Jf8w9mXq2LrT5wZb7KpV';
export const OLD_REFRESH_SECRET = 'the-old-refresh-secret-Zk3vQ8sDy6HgT1bNx5Rc';
