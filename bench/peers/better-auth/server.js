// better-auth behind node's own HTTP server, without a framework in between.
import http from 'node:http';
import { toNodeHandler } from 'better-auth/node';
import { auth } from './auth.js';

http.createServer(toNodeHandler(auth)).listen(Number(process.env.PORT), '127.0.0.1');
