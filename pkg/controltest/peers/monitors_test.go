package peers_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/dictionary"
)

// MonPoly monitors formulas of metric first-order temporal logic over a log of time
// points, each with a time stamp in whole seconds and facts. Here each fact is an event
// (p.<predicate>) and so is each time point (point); all carry the number of their time
// point as tp, for several may share a stamp. A control's items name the time point and
// the values that they speak of: 3:5,0 is time point 3 with (5,0).

// timePoint is one of a log: its stamp, and its facts by predicate.
type timePoint struct {
	stamp int64
	facts map[string][][]string
}

// signature gives the arguments of each predicate, and their types.
type signature map[string][][2]string

var (
	sigPattern     = regexp.MustCompile(`([A-Za-z_]\w*)\s*\(([^)]*)\)`)
	logPattern     = regexp.MustCompile(`@(\d+)|([A-Za-z_]\w*)|\(([^)]*)\)`)
	commentPattern = regexp.MustCompile(`(?m)#.*$`)
	casePattern    = regexp.MustCompile(`(?ms)^  \$ echo '([^']*)' > .*?$(.*?)(?:\n\n|\z)`)
	filePattern    = regexp.MustCompile(`(?m)^  \$ monpoly .*-formula (\S+).*\n((?:  @.*\n)*)`)
	saidPattern    = regexp.MustCompile(`(?m)^ *@\d+ \(time point (\d+)\): (.*)$`)
	tuplePattern   = regexp.MustCompile(`\(([^()]+)\)`)
)

func parseSignature(text string) signature {
	s := signature{}
	for _, m := range sigPattern.FindAllStringSubmatch(text, -1) {
		args := [][2]string{}
		for i, arg := range splitArgs(m[2]) {
			name, kind, named := strings.Cut(arg, ":")
			if !named {
				name, kind = fmt.Sprintf("a%d", i+1), arg
			}
			args = append(args, [2]string{strings.TrimSpace(name), strings.TrimSpace(kind)})
		}
		s[m[1]] = args
	}
	return s
}

func splitArgs(text string) []string {
	var args []string
	for arg := range strings.SplitSeq(text, ",") {
		if arg = strings.Trim(strings.TrimSpace(arg), `"`); arg != "" {
			args = append(args, arg)
		}
	}
	return args
}

func (s signature) log(text string) []timePoint {
	var points []timePoint
	predicate := ""
	for _, m := range logPattern.FindAllStringSubmatch(commentPattern.ReplaceAllString(text, ""), -1) {
		switch {
		case m[1] != "":
			stamp, _ := strconv.ParseInt(m[1], 10, 64) // digits
			points = append(points, timePoint{stamp, map[string][][]string{}})
		case m[2] != "":
			predicate = m[2]
			if args, known := s[predicate]; known && len(args) == 0 { // it may stand without brackets
				p := &points[len(points)-1]
				p.facts[predicate] = [][]string{{}}
			}
		default:
			p := &points[len(points)-1]
			p.facts[predicate] = append(p.facts[predicate], splitArgs(m[3]))
		}
	}
	return points
}

// dictionary types the predicates: the signature is to MonPoly what schemas are here.
func (s signature) dictionary(t *testing.T) *dictionary.Dictionary {
	t.Helper()
	files := fstest.MapFS{}
	schema := func(name string, args [][2]string) {
		number := map[string]any{"description": "The number of the time point.", "type": "integer", "x-unit": "time points"}
		properties := map[string]any{"tp": number}
		for _, arg := range args {
			kind := map[string]string{"int": "integer", "float": "number", "string": "string"}[arg[1]]
			properties[arg[0]] = map[string]any{"description": "An argument.", "type": kind, "x-unit": "as the log has it"}
		}
		raw, err := json.Marshal(map[string]any{
			"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": dictionary.IDPrefix + name + ".json",
			"title": name, "description": "A fact of a monitored log.", "x-family": "assurance", "x-key": "source",
			"type": "object", "required": slices.Sorted(maps.Keys(properties)), "properties": properties,
		})
		require.NoError(t, err)
		files[name+".json"] = &fstest.MapFile{Data: raw}
	}
	schema("point", nil)
	for predicate, args := range s {
		schema("p."+predicate, args)
	}
	d, err := dictionary.Load(files)
	require.NoError(t, err)
	return d
}

// events are the log's; ids say nothing of the order.
func (s signature) events(t *testing.T, d *dictionary.Dictionary, points []timePoint) []*compliance.Event {
	t.Helper()
	var events []*compliance.Event
	for tp, point := range points {
		at := compliance.Instant(point.stamp * 1_000_000)
		add := func(kind, id string, data map[string]any) {
			data["tp"] = tp
			events = append(events, peerEvent(t, d, kind, "/log", id, at, data))
		}
		add("point", fmt.Sprintf("point@%d", tp), map[string]any{})
		for predicate, tuples := range point.facts {
			for _, tuple := range tuples {
				data := map[string]any{}
				for i, arg := range s[predicate] {
					data[arg[0]] = tuple[i]
					if arg[1] != "string" {
						data[arg[0]] = json.Number(tuple[i])
					}
				}
				add("p."+predicate, fmt.Sprintf("%s(%s)@%d", predicate, strings.Join(tuple, ","), tp), data)
			}
		}
	}
	return events
}

// satisfied are the names of the items with an outcome. What a control says of parts
// stands after a slash; whether one or several items found the same values is the same.
func satisfied(outcomes map[string]compliance.Outcome, want compliance.Outcome) map[string]bool {
	found := map[string]bool{}
	for id, outcome := range outcomes {
		if outcome == want {
			found[id[strings.LastIndex(id, "/")+1:]] = true
		}
	}
	return found
}

// said is what MonPoly printed: by time point, the names of what it listed. Unless told
// to be verbose it lists only time points with something to list, in their order; so
// there is nothing at those before.
func said(text string) map[int][]string {
	points := map[int][]string{}
	quiet := !strings.Contains(text, "-verbose")
	for _, m := range saidPattern.FindAllStringSubmatch(text, -1) {
		tp, _ := strconv.Atoi(m[1]) // digits
		for before := range tp {
			if quiet && points[before] == nil {
				points[before] = []string{}
			}
		}
		points[tp] = []string{}
		if m[2] == "true" {
			points[tp] = append(points[tp], m[1])
		}
		for _, tuple := range tuplePattern.FindAllStringSubmatch(m[2], -1) {
			points[tp] = append(points[tp], m[1]+":"+strings.Join(splitArgs(tuple[1]), ","))
		}
	}
	return points
}

// at are the names that speak of one time point.
func at(names map[string]bool, tp int) []string {
	var found []string
	for name := range names {
		if point, _, _ := strings.Cut(name, ":"); point == strconv.Itoa(tp) {
			found = append(found, name)
		}
	}
	return found
}

// monitored compares a control with what MonPoly said, time point by time point.
func (p *peer) monitored(t *testing.T, s signature, d *dictionary.Dictionary, log []timePoint, want map[int][]string, outcome compliance.Outcome) peerRow {
	t.Helper()
	row := peerRow{rule: p.title(), as: p.id()}
	got := satisfied(p.judged(t, s.events(t, d, log), p.orders), outcome)
	for tp, names := range want {
		row.cases++
		slices.Sort(names)
		found := at(got, tp)
		if slices.Sort(found); !slices.Equal(names, found) {
			row.differed++
			t.Errorf("%s: %s: at time point %d MonPoly lists %v, the control %v", p.file, p.title(), tp, names, found)
		}
	}
	return row
}

// beside reads the one file of a name in the folder of another.
func beside(t *testing.T, file, name string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(filepath.Dir(file), name))
	require.NoError(t, err)
	require.Len(t, files, 1, "%s beside %s", name, file)
	return read(t, files[0])
}

// notMonitorable are formulas of which MonPoly itself says that it can't monitor them.
const notMonitorable = "NOT monitorable"

// unsaid are shapes of formulas that no control says, with the reason.
func unsaid() map[string]*regexp.Regexp {
	return map[string]*regexp.Regexp{
		"its result is a value computed from several events; a control compares it, and names items by one event": regexp.MustCompile(`<- *(CNT|SUM|AVG|MED)`),
		"its result is a part of a text that a pattern captures":                                                  regexp.MustCompile(`MATCHES.*"\s*\(`),
		"its result is a number as OCaml writes it":                                                               regexp.MustCompile(`(f2s|s2f)\(`),
		"of nothing that was ever seen it is 0, which no part tells":                                              regexp.MustCompile(`(MIN|MAX) y ONCE`),
	}
}

// TestMonitorsOfMonPoly: the formulas of two of MonPoly's own test suites, and two
// policies with their logs. MonPoly prints no verdict for time points of which its log
// doesn't tell yet; those aren't compared.
func TestMonitorsOfMonPoly(t *testing.T) {
	var rows []peerRow
	ours := []string{"testdata/monitors/sample/run.t"}
	for _, file := range append(ours, peersFixture(t, "monitors/monpoly_test*/run.t")...) {
		s := parseSignature(beside(t, file, "*.sig"))
		rows = append(rows, suiteOfMonPoly(t, s, s.log(beside(t, file, "*.log")), read(t, file))...)
	}
	rows = append(rows, furtherOfMonPoly(t)...)
	ours = []string{"testdata/monitors/sample_policy/formula.mfotl"}
	for _, file := range append(ours, peersFixture(t, "monitors/*/formula.mfotl")...) {
		s := parseSignature(beside(t, file, "sig"))
		log := s.log(beside(t, file, "trace.log"))
		d := s.dictionary(t)
		outcome, want := compliance.Pass, map[int][]string{}
		if strings.Contains(beside(t, file, "command.txt"), "-negate") {
			outcome = compliance.Deviation // it lists violations, and says nothing where there are none
			for tp := range log {
				want[tp] = nil
			}
		}
		maps.Copy(want, said(beside(t, file, "expected.out")))
		formula := strings.TrimSpace(read(t, file))
		p := monitorsOf(t, s, d)[formula]
		require.NotNil(t, p, "no control says %s", formula)
		rows = append(rows, p.monitored(t, s, d, log, want, outcome))
		if outcome == compliance.Deviation {
			rows = append(rows, violationsRow(t, formula, s, d, log, want))
		}
	}
	peerTable(t, "FORMULA", rows)
}

// furtherOfMonPoly compares what has a control in further suites of its tests, wherever
// they have been laid, or can be translated into one; the rest is listed.
func furtherOfMonPoly(t *testing.T) []peerRow {
	t.Helper()
	var rows []peerRow
	ours := []string{"testdata/monitors/sample_runs/run.t"}
	for _, file := range append(ours, peersFixture(t, "monitors/further_*/run.t")...) {
		s := parseSignature(beside(t, file, "*.sig"))
		d, log := s.dictionary(t), s.log(beside(t, file, "*.log"))
		peers := monitorsOf(t, s, d)
		for _, m := range casesIn(t, file) {
			if p := peers[m[1]]; p != nil {
				rows = append(rows, p.monitored(t, s, d, log, said(m[2]), compliance.Pass))
			}
			rows = append(rows, translatedRow(t, m[1], m[2], s, d, log))
		}
	}
	return rows
}

func suiteOfMonPoly(t *testing.T, s signature, log []timePoint, text string) []peerRow {
	t.Helper()
	var rows []peerRow
	d := s.dictionary(t)
	peers := monitorsOf(t, s, d)
	for _, m := range casePattern.FindAllStringSubmatch(text, -1) {
		p := peers[m[1]]
		switch {
		case strings.Contains(m[2], notMonitorable):
			require.Nil(t, p)
			rows = append(rows, peerRow{rule: m[1] + ": MonPoly says " + notMonitorable, as: "-"})
		case p == nil:
			rows = append(rows, peerRow{rule: m[1] + ": " + whyUnsaid(t, m[1]), as: "-"})
		default:
			rows = append(rows, p.monitored(t, s, d, log, said(m[2]), compliance.Pass), translatedRow(t, m[1], m[2], s, d, log))
		}
	}
	return rows
}

func whyUnsaid(t *testing.T, formula string) string {
	t.Helper()
	for reason, shape := range unsaid() {
		if shape.MatchString(formula) {
			return reason
		}
	}
	t.Errorf("no control says %s, and nothing says why", formula)
	return "?"
}

// monitorsOf are the controls that speak of predicates which the signature has, by formula.
func monitorsOf(t *testing.T, s signature, d *dictionary.Dictionary) map[string]*peer {
	t.Helper()
	all := map[string]*peer{}
	for folder, needs := range map[string]string{
		"operators": "S(x:int,y:int,z:int)", "more": "trans(int,int,int)", "approval": "approve(x:int)", "grants": "collect(string,string,string)",
		"chosen": "S(int)", "runs": "C(int)", "steps": "P()", "sums": "p(x:int)", "nullary": "A()", "groups": "p(string,int)",
		"texts": "P(string)", "numbers": "Int(int)", "since": "B(int)",
	} {
		if s.has(needs) {
			maps.Copy(all, peersIn(t, "monitors/"+folder, d, "boundary: {}"))
		}
	}
	return all
}

// has tells whether predicates are there, with these arguments.
func (s signature) has(predicates string) bool {
	for name, want := range parseSignature(predicates) {
		got, there := s[name]
		if !there || !slices.Equal(got, want) {
			return false
		}
	}
	return true
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	return string(text)
}

// operatorsSignature types what the formulas of TestMonitors speak of.
const operatorsSignature = `P(x:int) Q(x:int) R(x:int,y:int) S(x:int,y:int,z:int) T()`

// TestMonitors holds every control to its formula, evaluated by definition, on logs at
// random: with stamps that several time points share, gaps at the very ends of
// intervals, and time points without facts.
func TestMonitors(t *testing.T) {
	var rows []peerRow
	all, evaluated := map[string]*peer{}, map[string]bool{}
	numbers := []string{"0", "1", "2"}
	anyGaps := []int64{0, 0, 0, 1, 1, 2, 3, 5, 9, 10, 10, 11, 15, 16, 20, 21, 30, 31}
	for _, suite := range []struct {
		signature string
		formulas  []monitor
		values    []string
		gaps      []int64
		logs      uint64
	}{
		{operatorsSignature, operators(), numbers, anyGaps, 10},
		{`p(x:int) q(int,int)`, sums(), []string{"1", "2", "3", "4"}, anyGaps, 10},
		{moreSignature, slices.Concat(more(), computing()), slices.Concat(numbers, []string{"2001"}), anyGaps, 10},
		{moreSignature, distant(), numbers, []int64{0, 1, 10, 40, 41, 50, 51}, 10},
		{moreSignature, near(), numbers, []int64{0, 1, 2, 3}, 20},
		{`publish(x:int) approve(x:int)`, approvals(), numbers, []int64{0, 1, 2, 6, 7, 8}, 10}, // in days
		{`collect(string,string,string) inform(string)`, grants(), numbers, anyGaps, 10},
		{`P(int) Q(int) R(int,int) S(int)`, chosen(), numbers[:2], []int64{0, 1, 9, 10, 11, 12, 13}, 10},
		{`A(int) B(int)`, unlimited(), numbers, anyGaps, 10},
		{`A(int) B(int) C(int)`, runs(), numbers[:2], []int64{0, 1, 1, 1, 9, 10}, 20},
		{`P() Q()`, steps(), nil, []int64{0, 1, 1, 2}, 20},
		{`A()`, nullary(), nil, anyGaps, 10},
		{`p(string,int)`, groups(), numbers, anyGaps, 10},
		{`P(string) Q(string)`, texts(), []string{"ab", "aabc", "b", "zab", "za"}, anyGaps, 10},
		{`Int(int) Str(string)`, conversions(), []string{"-42", "0", "7"}, anyGaps, 10},
	} {
		s := parseSignature(suite.signature)
		d := s.dictionary(t)
		peers := monitorsOf(t, s, d)
		for _, m := range suite.formulas {
			p := peers[m.formula]
			require.NotNil(t, p, "no control says %s", m.formula)
			evaluated[p.id()] = true
			rows = append(rows, m.compare(t, p, s, d, suite.logs, suite.values, suite.gaps))
			if m.guard == nil { // a policy lists its violations, and its items are its events
				m.translated(t, s, d, suite.values, suite.gaps)
			}
		}
		maps.Copy(all, peers)
	}
	for _, p := range all {
		require.True(t, evaluated[p.id()], "%s: nobody evaluates its formula", p.file)
	}
	peerTable(t, "FORMULA, ON LOGS AT RANDOM", rows)
}

// compare tries a control on some logs.
func (m *monitor) compare(t *testing.T, p *peer, s signature, d *dictionary.Dictionary, logs uint64, values []string, gaps []int64) peerRow {
	t.Helper()
	row := peerRow{rule: m.formula, as: p.id()}
	held := 0
	for seed := range logs {
		random := rand.New(rand.NewPCG(seed, 7))
		log := randomLog(random, s, m.unit, values, gaps)
		got := satisfied(p.judged(t, s.events(t, d, log), 2), compliance.Pass)
		for tp := range log {
			row.cases++
			want, found := m.at(log, tp), at(got, tp)
			held += len(want)
			slices.Sort(want)
			if slices.Sort(found); !slices.Equal(want, found) {
				row.differed++
				t.Errorf("%s: %s: seed %d: at time point %d of %v it holds for %v, the control says %v", p.file, m.formula, seed, tp, log, want, found)
			}
		}
	}
	require.Equal(t, unmet(m.formula), held == 0, "%s: it holds %d times on these logs, which then try little", m.formula, held)
	return row
}

// unmet tells which formulas hold nowhere on logs at random.
func unmet(formula string) bool {
	return slices.Contains([]string{"S(a,b,c) AND (1 = 0)", "EVENTUALLY[0,60] (1=0)", "S(a,b,c) AND NOT b = 0 AND a / b - c = 8"}, formula)
}

// randomLog has stamps whose distances and sums lie at the ends of intervals and beside them.
func randomLog(random *rand.Rand, s signature, unit int64, values []string, gaps []int64) []timePoint {
	stamp := int64(1_000_000)
	log := make([]timePoint, 4+random.IntN(4))
	for i := range log {
		stamp += gaps[random.IntN(len(gaps))] * unit
		log[i] = timePoint{stamp, map[string][][]string{}}
		for _, predicate := range slices.Sorted(maps.Keys(s)) {
			for range random.IntN(4) {
				tuple := make([]string, len(s[predicate]))
				for j := range tuple {
					tuple[j] = values[random.IntN(len(values))]
				}
				log[i].facts[predicate] = append(log[i].facts[predicate], tuple)
			}
		}
	}
	return log
}
