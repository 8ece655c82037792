// Pieces of SQL that several routes share. All of them only give a result its form.
#pragma once

// In how many seconds the caller may try again; null when nothing keeps them from it.
#define LATCHKEY_RETRY_SECONDS             \
  "CASE WHEN result.retry_at IS NOT NULL " \
  "THEN ceil(greatest(1, extract(epoch FROM result.retry_at - clock_timestamp())))::integer END"

// What the mail program reads about `mail`, a mail token. `kind` is an expression; `link` what a
// link starts with, as a parameter.
#define LATCHKEY_MAIL_LINE(kind, link)                                                          \
  "json_build_object('kind', " kind                                                             \
  ", 'to', mail.email, 'name', mail.name, 'token', mail.token, 'expires_at', mail.expires_at, " \
  "'link', " link "::text || mail.token)"

// What sign_up, login and refresh return, as an answer, an outcome and a time to wait. `more`:
// further columns, with a comma in front.
#define LATCHKEY_LOGIN_ANSWER_AND(more, call)                                              \
  "SELECT row_to_json(answer), result.outcome, " LATCHKEY_RETRY_SECONDS more " FROM " call \
  " AS result, LATERAL (SELECT result.account AS \"user\", result.token, "                 \
  "result.expires_at, result.tenant_count) AS answer"
#define LATCHKEY_LOGIN_ANSWER(call) LATCHKEY_LOGIN_ANSWER_AND("", call)
