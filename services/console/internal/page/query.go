package page

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/compliance"
)

// grid is an answer as a table of texts.
type grid struct {
	Head []string
	Rows [][]string
	made ask.Made
}

// add adds a row: the exported fields of a struct, those of structs in it included.
func (g *grid) add(row any) {
	v := reflect.ValueOf(row).Elem()
	if g.Head == nil {
		g.Head = headOf(v.Type())
	}
	g.Rows = append(g.Rows, cellsOf(v))
}

// inside says whether the fields of a struct are columns of their own.
func inside(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && t != reflect.TypeFor[time.Time]()
}

func headOf(t reflect.Type) (head []string) {
	for f := range t.Fields() {
		switch {
		case !f.IsExported():
		case inside(f.Type):
			for _, name := range headOf(f.Type) {
				if !f.Anonymous {
					name = f.Name + " " + name
				}
				head = append(head, name)
			}
		default:
			head = append(head, f.Name)
		}
	}
	return head
}

func cellsOf(v reflect.Value) (cells []string) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		switch {
		case !f.IsExported():
		case inside(f.Type):
			cells = append(cells, cellsOf(v.Field(i))...)
		default:
			cells = append(cells, cellOf(v.Field(i).Interface()))
		}
	}
	return cells
}

func cellOf(value any) string {
	switch value := value.(type) {
	case compliance.Instant:
		return exact(value)
	case time.Time:
		if value.Equal(value.Truncate(24 * time.Hour)) {
			return value.UTC().Format(time.DateOnly)
		}
		return value.UTC().Format(time.RFC3339Nano)
	case json.RawMessage:
		return cut(string(value))
	}
	return cut(fmt.Sprint(value))
}

// mostCell is how many characters of a value a table of rows shows.
const mostCell = 400

func cut(text string) string {
	if r := []rune(text); len(r) > mostCell {
		return string(r[:mostCell]) + "…"
	}
	return text
}

// queryBody is a question with its answer.
type queryBody struct {
	Name, Says, SQL, SHA256, At string
	Parameters                  []ask.Parameter
	Grid                        *grid
	// Total is how many rows the answer has; Grid shows the first of them.
	Total int
	Again []command
	All   string
}

// queriesBody lists the questions.
type queriesBody struct{ Queries []queryLink }

type queryLink struct{ Name, Says, Link string }

func queryList(v *visit) (*sheet, error) {
	b := &queriesBody{}
	for _, name := range slices.Sorted(maps.Keys(v.inquiries)) {
		q := v.inquiries[name]
		if !v.May(q.needs) || q.unbound && v.Bound() {
			continue
		}
		l := queryLink{Name: name, Says: q.says}
		if !slices.ContainsFunc(q.takes, func(p string) bool { return p == "topic" || p == "item" }) && name != "control_rules" && name != "rule_changes" {
			l.Link = v.to(path("query", name))
		}
		b.Queries = append(b.Queries, l)
	}
	return &sheet{Template: "queries", Title: "Queries", Body: b}, nil
}

// mostAnswered is how many rows a question by itself is asked for, shownAnswered how
// many are shown.
const mostAnswered, shownAnswered = 1000, 200

func queryPage(v *visit) (*sheet, error) {
	name := v.request.PathValue("name")
	q, ok := v.inquiries[name]
	switch {
	case !ok:
		return nil, compliance.Errorf(compliance.NotFound, "There is no such question; the page of queries lists all.")
	case !v.May(q.needs):
		return nil, compliance.Errorf(compliance.Forbidden, "the role %s may not read %s", v.Role, q.needs)
	case q.unbound && v.Bound():
		return nil, errUnbound
	}
	w, err := v.wish(&q)
	if err != nil {
		return nil, err
	}
	g, err := q.ask(v.ctx(), v, w)
	if err != nil {
		return nil, err
	}
	sql, err := ask.SQL(name)
	if err != nil {
		return nil, err
	}
	b := &queryBody{
		Name: name, Says: q.says, SQL: sql, SHA256: g.made.SHA256, At: exact(v.now), Parameters: g.made.Parameters,
		Grid: g, Total: len(g.Rows), All: v.to("/query"),
	}
	g.Rows = g.Rows[:min(len(g.Rows), shownAnswered)]
	b.commands(v, &q, w)
	return &sheet{Template: "query", Title: "Query " + name, Body: b}, nil
}

func (b *queryBody) commands(v *visit, q *inquiry, w *wish) {
	add := func(what string, line func(*visit, *wish) string) {
		if line == nil {
			return
		}
		if text := line(v, w); text != "" {
			b.Again = append(b.Again, command{what, text})
		}
	}
	add("With Assay", q.cli)
	add("From the API", q.api)
	if len(b.Parameters) > 0 {
		b.Again = append(b.Again, command{"With ClickHouse’s own client, in a clone of Assay’s source", clickhouseCommand(b.Name, b.SQL, b.Parameters)})
	}
}

// placeholder is a parameter in SQL, with its type.
var placeholder = regexp.MustCompile(`\{(\w+):(\w+)`)

// clickhouseCommand runs a question's file. Times are microseconds there, and lists as
// ClickHouse writes them.
func clickhouseCommand(name, sql string, parameters []ask.Parameter) string {
	types := map[string]string{}
	for _, m := range placeholder.FindAllStringSubmatch(sql, -1) {
		types[m[1]] = m[2]
	}
	args := []string{"clickhouse", "client", "--database", "assay"}
	for _, p := range parameters {
		value := p.Value
		switch types[p.Name] {
		case "Int64":
			if t, err := compliance.ParseInstant(value); err == nil {
				value = strconv.FormatInt(int64(t), 10)
			}
		case "Array":
			value = "[" + strings.Join(strings.Fields(strings.Trim(value, "[]")), ",") + "]"
			if p.Name != "gaps" {
				value = "['" + strings.Join(strings.Fields(strings.Trim(p.Value, "[]")), "','") + "']"
			}
		}
		args = append(args, "--param_"+p.Name+"="+value)
	}
	return shell(append(args, "--queries-file", "pkg/ask/sql/"+name+".sql")...)
}

// wish reads the parameters of an inquiry, and cuts its window to what may be seen.
func (v *visit) wish(q *inquiry) (*wish, error) {
	w := &wish{}
	var limit, prefix, from, to, label, partition, offset string
	err := v.filters(map[string]*string{
		"type": &w.Type, "prefix": &prefix, "source": &w.Source, "id": &w.ID, "control": &w.Control, "item": &w.Item,
		"outcome": &w.Outcome, "reason": &w.Reason, "code": &w.Code, "target": &w.Target, "limit": &limit,
		"from": &from, "to": &to, "period": &label, "topic": &w.spot.topic, "partition": &partition, "offset": &offset,
	})
	if err != nil {
		return nil, err
	}
	if prefix != "" {
		w.Type = prefix + "*"
	}
	w.Limit = mostAnswered
	if n, err := strconv.Atoi(limit); err == nil && n > 0 {
		w.Limit = min(n, mostAnswered)
	}
	if slices.Contains(q.takes, "topic") {
		p, err1 := strconv.ParseInt(partition, 10, 32)
		o, err2 := strconv.ParseInt(offset, 10, 64)
		if err1 != nil || err2 != nil {
			return nil, errNoEvent
		}
		w.spot.partition, w.spot.offset = int32(p), o
	}
	if slices.Contains(q.takes, "from") {
		w.period, err = v.span(from, to)
		w.From, w.To = w.period.From, w.period.To
	}
	return w, err
}

// span is the window of an inquiry: from and to, or what else when reads.
func (v *visit) span(from, to string) (ask.Period, error) {
	if from == "" && to == "" {
		w, err := v.when()
		if err != nil {
			return ask.Period{}, err
		}
		return w.Period, nil
	}
	p, err := ask.Between(from, to)
	if err != nil {
		return p, err
	}
	return v.clipped(p)
}
