import { BadGatewayException, HttpException } from '@nestjs/common';
import { TOKEN_ERRORS } from 'nestjs-token';

/** What a microservice answers when its guard refuses a message. */
interface MessageFailure {
  readonly message: string;
  readonly errorCode: keyof typeof TOKEN_ERRORS;
}

/** Makes a response of HTTP from the error of a message. What is no verdict on a token is a fault of the service behind the gateway. */
export function toHttpException(error: unknown): HttpException {
  if (!isMessageFailure(error)) return new BadGatewayException(undefined, { cause: error });
  const { message, errorCode } = error;
  const { status, terminal } = TOKEN_ERRORS[errorCode];
  return new HttpException({ statusCode: status, message, errorCode, ...(terminal && { signIn: true }) }, status);
}

function isMessageFailure(error: unknown): error is MessageFailure {
  if (typeof error !== 'object' || error === null || !('errorCode' in error)) return false;
  return typeof error.errorCode === 'string' && Object.hasOwn(TOKEN_ERRORS, error.errorCode);
}
