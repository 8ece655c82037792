// The Node.js backend's HTTP side; PROCESSES=2 runs two workers behind one port, as pm2 does.
import cluster from 'node:cluster';
import express from 'express';
import { login, userOfToken } from './accounts.js';
import { debit } from './credits.js';

const uniqueViolation = '23505';
const refuse = (res, status, message) => res.status(status).json({ success: false, message });

function application() {
  const app = express();
  app.use(express.json());

  app.post('/api/auth/login', async (req, res) => {
    const { email, password } = req.body ?? {};
    if (!email || !password) return refuse(res, 400, 'Email and password are required');
    const session = await login(email, password);
    if (!session) return refuse(res, 401, 'Invalid credentials');
    res.json({ success: true, ...session });
  });

  app.get('/api/auth/verify', async (req, res) => {
    const token = req.headers.authorization?.replace('Bearer ', '');
    if (!token) return refuse(res, 401, 'No token provided');
    const user = await userOfToken(token);
    if (!user) return refuse(res, 401, 'Invalid token');
    res.json({ success: true, user });
  });

  app.post('/api/credits/debit', async (req, res) => {
    const token = req.headers.authorization?.replace('Bearer ', '');
    const user = token && await userOfToken(token);
    if (!user) return refuse(res, 401, 'Invalid token');
    const { amount } = req.body ?? {};
    if (!Number.isSafeInteger(amount) || amount <= 0) return refuse(res, 400, 'Invalid amount');
    try {
      const balance = await debit(user.id, amount, req.headers['idempotency-key'] ?? null);
      if (balance === null) return refuse(res, 402, 'Insufficient credits');
      res.json({ success: true, balance });
    } catch (error) {
      if (error.code !== uniqueViolation) throw error;
      refuse(res, 409, 'This key has been used');
    }
  });

  return app;
}

const processes = Number(process.env.PROCESSES ?? 1);
if (processes > 1 && cluster.isPrimary) {
  for (let i = 0; i < processes; i++) cluster.fork();
  // Waits for the workers, so that the CPU time they used is counted as this process's children's.
  process.on('SIGTERM', () => {
    for (const worker of Object.values(cluster.workers)) worker.process.kill('SIGKILL');
  });
  cluster.on('exit', () => {
    if (Object.keys(cluster.workers).length === 0) process.exit(0);
  });
} else {
  application().listen(Number(process.env.PORT), '127.0.0.1');
}
