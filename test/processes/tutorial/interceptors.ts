import type { AxiosError, AxiosInstance, AxiosResponse, InternalAxiosRequestConfig } from 'axios';
import { SITE as BASE_URL } from '../../support/browser.js';

/** What the code of a page sees of `window`. */
export interface PageWindow {
  readonly location: { href: string };
}

/** The part of a page that talks to the server. */
export interface Api {
  readonly api: AxiosInstance;
  /** Called when the page has loaded, to find out whether somebody is signed in. */
  readonly restore: () => Promise<unknown>;
}

type RetriedRequest = InternalAxiosRequestConfig & { _retry?: boolean };

// Below are the interceptors of tutorials about React and axios, as they are written there, with types added. They know nothing of this
// library: that the server refreshes inside requests, or that new tokens are in response headers. The code of a page is a function, because
// a page that is loaded again begins anew.

/** Both tokens are in cookies: after a 401, one request asks for new ones, and all others wait in a queue. */
export function cookieApi(axios: AxiosInstance, window: PageWindow): Api {
  const api = axios.create({ baseURL: BASE_URL, withCredentials: true });

  let isRefreshing = false;
  let failedQueue: { resolve: (value?: unknown) => void; reject: (reason: unknown) => void }[] = [];

  const processQueue = (error: unknown): void => {
    failedQueue.forEach((promise) => (error ? promise.reject(error) : promise.resolve()));
    failedQueue = [];
  };

  api.interceptors.response.use(
    (response) => response,
    async (error: AxiosError) => {
      const originalRequest = error.config as RetriedRequest;
      if (error.response?.status !== 401 || originalRequest._retry) return Promise.reject(error);

      if (isRefreshing) {
        return new Promise((resolve, reject) => {
          failedQueue.push({ resolve, reject });
        }).then(() => api(originalRequest));
      }

      originalRequest._retry = true;
      isRefreshing = true;
      try {
        await axios.post(`${BASE_URL}/auth/refresh`, {}, { withCredentials: true });
        processQueue(null);
        // eslint-disable-next-line @typescript-eslint/return-await -- the queue is closed before the request is repeated
        return api(originalRequest);
      } catch (refreshError) {
        processQueue(refreshError);
        window.location.href = '/login';
        throw refreshError;
      } finally {
        isRefreshing = false;
      }
    },
  );

  return { api, restore: () => api.get('/me') };
}

/** The access token is in a variable and the refresh token in a cookie. A page that is loaded has no access token and asks for one. */
export function mixedApi(axios: AxiosInstance, window: PageWindow): Api {
  const api = axios.create({ baseURL: BASE_URL, withCredentials: true });

  let accessToken: string | null = null;
  let isRefreshing = false;
  let failedQueue: { resolve: (token: string | null) => void; reject: (reason: unknown) => void }[] = [];

  const processQueue = (error: unknown, token: string | null = null): void => {
    failedQueue.forEach((promise) => (error ? promise.reject(error) : promise.resolve(token)));
    failedQueue = [];
  };

  const refresh = async (): Promise<string> => {
    const response: AxiosResponse<{ access_token: string }> = await axios.post(`${BASE_URL}/auth/refresh`, {}, { withCredentials: true });
    accessToken = response.data.access_token;
    return accessToken;
  };

  api.interceptors.request.use((config) => {
    if (accessToken && !config.headers['Authorization']) config.headers['Authorization'] = `Bearer ${accessToken}`;
    return config;
  });

  api.interceptors.response.use(
    (response) => response,
    async (error: AxiosError) => {
      const originalRequest = error.config as RetriedRequest;
      if (error.response?.status !== 401 || originalRequest._retry) return Promise.reject(error);

      if (isRefreshing) {
        return new Promise<string | null>((resolve, reject) => {
          failedQueue.push({ resolve, reject });
        }).then((token) => {
          originalRequest.headers['Authorization'] = `Bearer ${token}`;
          return api(originalRequest);
        });
      }

      originalRequest._retry = true;
      isRefreshing = true;
      try {
        const token = await refresh();
        processQueue(null, token);
        originalRequest.headers['Authorization'] = `Bearer ${token}`;
        // eslint-disable-next-line @typescript-eslint/return-await -- the queue is closed before the request is repeated
        return api(originalRequest);
      } catch (refreshError) {
        processQueue(refreshError, null);
        window.location.href = '/login';
        throw refreshError;
      } finally {
        isRefreshing = false;
      }
    },
  );

  return { api, restore: () => refresh().catch(() => (window.location.href = '/login')) };
}
