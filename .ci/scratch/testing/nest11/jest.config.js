module.exports = {
  testEnvironment: 'node',
  testRegex: '\\.spec\\.ts$',
  transform: { '^.+\\.(t|j)s$': 'ts-jest' },
  transformIgnorePatterns: ['/node_modules/(?!(nestjs-token|@nestjs/jwt|@nestjs/passport)/)'],
};
