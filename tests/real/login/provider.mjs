// A provider of OpenID Connect: node provider.mjs PACKAGES PORT REDIRECT. Everybody gets in by their name; `ada` leads a group, `ben` has not verified his address.
const [packages, port, redirect] = process.argv.slice(2);
const { default: Provider } = await import(`${packages}/oidc-provider/lib/index.js`);

const issuer = `http://127.0.0.1:${port}`;
const provider = new Provider(issuer, {
  clients: [{ client_id: 'sprag', client_secret: 'a-secret-of-the-client/+=', redirect_uris: [redirect], grant_types: ['authorization_code'], response_types: ['code'] }],
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['groups'] },
  // With `tokens` the ID token says all by itself; without, the rest is to be asked for.
  conformIdTokenClaims: process.env.CLAIMS !== 'tokens',
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({ sub: id, email: `${id}@example.com`, email_verified: id !== 'ben', groups: id === 'ada' ? ['ml-leads'] : ['guests'] }),
  }),
});
provider.listen(Number(port), '127.0.0.1');
