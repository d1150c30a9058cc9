/**
 * A key and a certificate for `localhost` that nobody trusts and that protect nothing: for tests that
 * need a port which speaks TLS. Valid for a hundred years.
 */
export const SELF_SIGNED = {
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgGZ+c+NHWBoUds6oh
+wK9884psboh5TC3bTMLod5Z4nehRANCAATgGxym9nRXCNHk6f4xQAwM+a3RoZ9I
3H5MZdh1V7MGmY+lgyYfoW7s1XJVUyYcEvHcEC++4SzcJDhnSoId+2EX
-----END PRIVATE KEY-----
`,
  cert: `-----BEGIN CERTIFICATE-----
MIIBfzCCASWgAwIBAgIUJB7bOrajBRUdcJkdiizdmd4IByAwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyNDE2MzEwOVoYDzIxMjYxMDMx
MTYzMTA5WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAATgGxym9nRXCNHk6f4xQAwM+a3RoZ9I3H5MZdh1V7MGmY+lgyYfoW7s
1XJVUyYcEvHcEC++4SzcJDhnSoId+2EXo1MwUTAdBgNVHQ4EFgQUoSNhNkHk1h+o
DmPk0svkEl8X4wgwHwYDVR0jBBgwFoAUoSNhNkHk1h+oDmPk0svkEl8X4wgwDwYD
VR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiBhLc8hopV20UKn8A2IE9V6
qmWwgAZviJllFtjqrstkyAIhAJV1cEiXX23HJrahjVmCkJxpdf+QjoDVskMW+IBE
pgF9
-----END CERTIFICATE-----
`,
} as const;
