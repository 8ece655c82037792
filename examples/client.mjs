// A client of the gateway for browsers and Node.js 18: keeps the token fresh, and turns problems into errors.
//
//   const client = new LatchkeyClient('https://app.example.com');
//   await client.login('ann@example.com', 'correct horse battery');
//   console.log((await client.call('GET', '/api/models')).models);

export class LatchkeyError extends Error {
  constructor(problem, retryAfter) {
    super(problem.message);
    this.code = problem.code; // decide by this one
    this.status = problem.status;
    this.hint = problem.hint;
    this.requestId = problem.request_id;
    this.retryAfter = retryAfter; // seconds, or null
  }
}

const REFRESH_BEFORE_MS = 24 * 3600 * 1000;

export class LatchkeyClient {
  constructor(url, session = null) {
    this.url = url;
    this.session = session; // {token, expires_at}: keep it where only your application can read it
  }

  async login(email, password) {
    return this.#start('/api/auth/login', { email, password });
  }

  async register(email, password, name) {
    return this.#start('/api/auth/register', { email, password, name });
  }

  // Without a session there is nothing to end. Repeating it is harmless.
  async logout() {
    await this.call('POST', '/api/auth/logout');
    this.session = null;
  }

  async call(method, path, body) {
    if (this.session && Date.parse(this.session.expires_at) - Date.now() < REFRESH_BEFORE_MS) await this.#refresh();
    return this.#send(method, path, body);
  }

  async #start(path, body) {
    const { user, token, expires_at } = await this.#send('POST', path, body);
    this.session = { token, expires_at };
    return user;
  }

  // Two refreshes at once get the same token, so they need no coordination.
  async #refresh() {
    const { token, expires_at } = await this.#send('POST', '/api/auth/refresh');
    this.session = { token, expires_at };
  }

  async #send(method, path, body) {
    const headers = {};
    if (body) headers['Content-Type'] = 'application/json';
    if (this.session) headers.Authorization = `Bearer ${this.session.token}`;
    const response = await fetch(this.url + path, { method, headers, body: body && JSON.stringify(body) });
    const answer = await response.json();
    if (response.ok) return answer;
    if (answer.code === 'invalid_token') this.session = null;
    const retryAfter = response.headers.get('Retry-After');
    throw new LatchkeyError(answer, retryAfter === null ? null : Number(retryAfter));
  }
}
