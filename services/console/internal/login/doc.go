// Package login finds out who asks: somebody with a session, from a name and a
// password, or a program with a token. What they may see is package access's to say.
//
// It guarantees:
//   - Passwords are kept as argon2id hashes, tokens as SHA-256 of 256 random bits.
//   - An unknown user and a wrong password get the same answer after the same work.
//   - Guessing passwords is slowed down by user and by address; what slows it down is
//     bounded. Guesses of tokens are slowed down by address, and only what NewToken makes
//     can be one.
//   - A session ends after its time, at logout, with a changed password and with its
//     user. Logout is kept by the process that heard it, until the session's end.
package login
