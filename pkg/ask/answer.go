package ask

import (
	"context"
	"strings"

	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/compliance"
)

// Answer is what a question was answered with, and how it was asked.
type Answer[Row any] struct {
	Rows []Row
	Made Made
}

// Asker asks the questions of pages for one tenant, and says of each how it was asked.
type Asker struct {
	conn   clickhouse.Conn
	tenant string
	at     compliance.Instant
}

// New asks for a tenant; at is the time that answers bear.
func New(conn clickhouse.Conn, tenant string, at compliance.Instant) *Asker {
	return &Asker{conn: conn, tenant: tenant, at: at}
}

// Inquiry asks several questions for one answer, as of now.
func (a *Asker) Inquiry() *Inquiry { return &Inquiry{Conn: a.conn, Tenant: a.tenant, At: a.at} }

// SQL is the text of a question, as it is sent.
func SQL(name string) (string, error) {
	raw, err := questions.ReadFile("sql/" + name + ".sql")
	if err != nil {
		return "", compliance.Errorf(compliance.NotFound, "there is no question %q", name)
	}
	return strings.TrimSpace(string(raw)), nil
}

// Question asks a question and makes each row into what is shown.
func Question[Row, Shown any](ctx context.Context, by *Asker, question string, params []clickhouse.Param, show func(*Row) Shown) (Answer[Shown], error) {
	a := by.Inquiry()
	rows, err := Rows[Row](ctx, a, question, params...)
	if err != nil {
		return Answer[Shown]{}, err
	}
	shown := make([]Shown, len(rows))
	for i := range rows {
		shown[i] = show(&rows[i])
	}
	return Answer[Shown]{Rows: shown, Made: a.Made[0]}, nil
}
