// The token of this service, if it needs one: kept for this tab alone, until it is closed.

const KEY = "infer.token";

export const token = () => sessionStorage.getItem(KEY);

export function keep(given) {
  if (given) sessionStorage.setItem(KEY, given);
  else sessionStorage.removeItem(KEY);
}

// The headers of a request, with the token among them.
export const withToken = (headers = {}) => (token() ? { ...headers, Authorization: `Bearer ${token()}` } : headers);
