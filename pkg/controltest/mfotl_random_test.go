package controltest

import (
	"testing"
)

func TestTranslateTry(t *testing.T) {
	rows := furtherTranslated(t)
	peerTable(t, "TRANSLATED", rows)
}

func furtherTranslated(t *testing.T) []peerRow {
	t.Helper()
	var rows []peerRow
	for _, file := range append(peersFixture(t, "monitors/monpoly_test*/run.t"), peersFixture(t, "monitors/further_*/run.t")...) {
		s := parseSignature(beside(t, file, "*.sig"))
		d, log := s.dictionary(t), s.log(beside(t, file, "*.log"))
		for _, m := range casePattern.FindAllStringSubmatch(read(t, file), -1) {
			yaml, err := translate(m[1], s)
			if err != nil {
				rows = append(rows, peerRow{rule: m[1] + ": " + err.Error(), as: "-"})
				continue
			}
			p := translated(t, m[1], yaml, d)
			row := p.monitored(t, s, d, log, said(m[2]), "pass")
			row.as = "translated"
			if row.differed > 0 {
				t.Log(yaml)
			}
			rows = append(rows, row)
		}
	}
	return rows
}
