// The REST API, typed by its document: no table of routes, nothing but types.

import { MadangError, isOfToken, refused, unreachable } from './errors.js';
import type { Routes } from './generated.js';
import type { Tokens } from './tokens.js';

export type Route = keyof Routes;

/** A body where the route has one. */
export type RestArguments<R extends Route> = Routes[R]['body'] extends undefined
  ? [body?: undefined, signal?: AbortSignal]
  : [body: Routes[R]['body'], signal?: AbortSignal];

/** How long a request may take that is given no `signal`. */
const PATIENCE_MS = 30_000;

export interface RestOptions {
  /** The server, without a slash at the end. */
  base: string;
  fetch: typeof fetch;
  tokens: Tokens;
}

export class Rest {
  readonly #options: RestOptions;

  constructor(options: RestOptions) {
    this.#options = options;
  }

  /** Asks once; a token that is refused is asked for anew, and then once more. */
  async call<R extends Route>(
    route: R,
    params: Routes[R]['params'],
    ...[body, signal]: RestArguments<R>
  ): Promise<Routes[R]['answer']> {
    const { tokens } = this.#options;
    try {
      return await this.#once(route, params, body, signal, tokens.current ?? (await tokens.fetch('connect')));
    } catch (error) {
      if (!isOfToken(error as MadangError)) throw error;
      return this.#once(route, params, body, signal, await tokens.fetch('refused'));
    }
  }

  async #once(route: Route, params: object, body: unknown, signal: AbortSignal | undefined, token: string | undefined) {
    const { base, fetch } = this.#options;
    const { method, path } = address(route, params);
    const headers: Record<string, string> = {};
    if (token !== undefined) headers['Authorization'] = `Bearer ${token}`;
    const isJson = body !== undefined && !(body instanceof Blob);
    if (isJson) headers['Content-Type'] = 'application/json';
    const request: RequestInit = { method, headers, signal: signal ?? AbortSignal.timeout(PATIENCE_MS) };
    if (body !== undefined) request.body = isJson ? JSON.stringify(body) : (body as Blob);
    if (token === undefined) request.credentials = 'include';
    let response: Response;
    try {
      response = await fetch(`${base}/api/v1${path}`, request);
      if (response.ok) return await content(response);
    } catch (cause) {
      throw signal?.aborted ? cause : unreachable(cause);
    }
    throw await problem(response);
  }
}

/** Parameters that the path does not name are the query. */
function address(route: Route, params: object): { method: string; path: string } {
  const [method, template] = route.split(' ') as [string, string];
  const rest = new Map(Object.entries(params));
  const path = template.replace(/\{([^}]+)\}/g, (_, name: string) => {
    const value = encodeURIComponent(String(rest.get(name)));
    rest.delete(name);
    return value;
  });
  const query = new URLSearchParams();
  for (const [name, value] of rest) if (value !== undefined) query.append(name, String(value));
  return { method, path: query.size > 0 ? `${path}?${query}` : path };
}

async function content(response: Response): Promise<any> {
  if (response.status === 204) return undefined;
  const type = response.headers.get('content-type') ?? '';
  return type.includes('json') ? response.json() : response.blob();
}

/** Why the server did not do it, by its problem details (RFC 9457), or by the status alone. */
export async function problem(response: Response): Promise<MadangError> {
  const { status } = response;
  try {
    const { code, detail, retryable } = await response.json();
    return refused({ code, message: detail, retryable });
  } catch {
    return new MadangError('NETWORK', `answered with HTTP ${status}`, status >= 500 || status === 429 || status === 408);
  }
}
