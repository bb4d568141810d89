package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/services/console"
)

func (a *app) hashPasswordCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "hash-password",
		Short: "Read a password from stdin and print the hash for console.users",
		Long: `Read a password, one line, from stdin and print its argon2id hash, which is what
console.users[].passwordHash holds. The password is in no argument, so that neither
the shell's history nor the list of processes has it.`,
		Example: `  read -rs password && printf '%s\n' "$password" | assay hash-password`,
		Args:    cobra.NoArgs,
		RunE:    func(*cobra.Command, []string) error { return a.hashPassword() },
	}
}

func (a *app) hashPassword() error {
	line, err := bufio.NewReader(io.LimitReader(a.in, 1<<12)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return compliance.Errorf(compliance.Invalid, "reading the password: %w", err)
	}
	hash, err := console.HashPassword(strings.TrimRight(line, "\r\n"))
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(a.out, hash)
	return err
}

func (a *app) tokenCommand() *cobra.Command {
	c := &cobra.Command{Use: "token", Short: "Make tokens for programs that ask the console", Args: cobra.NoArgs}
	c.RunE = func(*cobra.Command, []string) error { return c.Help() }
	c.AddCommand(&cobra.Command{
		Use:   "new",
		Short: "Make a token, and the SHA-256 for console.tokens",
		Long: `Make a token of 256 random bits. It goes to stdout, once: the configuration holds
its SHA-256 alone, which goes to stderr.`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			token, digest := console.NewToken()
			_, _ = fmt.Fprintf(a.err, "for console.tokens: {id: …, sha256: %s, role: …, tenants: [default]}\n", digest)
			_, err := fmt.Fprintln(a.out, token)
			return err
		},
	})
	return c
}
