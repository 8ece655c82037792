// node seed.js TOKEN_FILE USERS PASSWORD: signs users up through the running server on PORT and
// notes the bearer token of each.
import fs from 'node:fs';

const [tokenFile, users, password] = process.argv.slice(2);
const origin = `http://127.0.0.1:${process.env.PORT}`;
const tokens = [];
for (let i = 1; i <= Number(users); i++) {
  const answer = await fetch(`${origin}/api/auth/sign-up/email`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin },
    body: JSON.stringify({ email: `u${i}@example.org`, name: `User ${i}`, password }),
  });
  if (!answer.ok) throw new Error(`sign-up answered ${answer.status}: ${await answer.text()}`);
  tokens.push(answer.headers.get('set-auth-token'));
}
const check = await fetch(`${origin}/api/auth/get-session`, {
  headers: { authorization: `Bearer ${tokens[0]}` },
});
if (!(await check.json())?.user) throw new Error('get-session does not know the session');
fs.writeFileSync(tokenFile, `${tokens.join('\n')}\n`);
