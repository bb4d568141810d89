package page

import (
	"assay.example/assay/pkg/report"
	"assay.example/assay/services/console/internal/chart"
)

// helpBody says what the words of the console mean.
type helpBody struct {
	Outcomes    []outcomeWord
	Definitions []report.Definition
}

type outcomeWord struct {
	Word, Meaning string
	Sample        chart.SVG
}

func helpPage(*visit) (*sheet, error) {
	b := &helpBody{Definitions: report.Definitions()}
	for _, o := range []struct {
		word, meaning string
		state         chart.State
	}{
		{"pass", "The control operated on the item.", chart.Pass},
		{"deviation", "It did not. A remedy that came later is said beside it, and erases nothing.", chart.Deviation},
		{"inconclusive", "It can’t be said, for instance because a source was silent when evidence may have come, events are missing by their numbers, or an event came in bodies that disagree. This is unknown, and never a pass.", chart.Unknown},
		{"pending", "It isn’t decided yet: evidence may still come in time. This is unknown, too.", chart.Unknown},
		{"waived", "It did not operate, and an approved waiver covers it. It counts as a deviation all the same.", chart.Waived},
		{"not applicable", "The item is in the population, but the control doesn’t apply to it.", chart.Nothing},
		{"withdrawn", "The item is no longer in the population, since an earlier event or another body showed that it never was.", chart.Nothing},
	} {
		b.Outcomes = append(b.Outcomes, outcomeWord{o.word, o.meaning, chart.Sample("o-"+o.word[:3], o.state)})
	}
	return &sheet{Template: "help", Title: "Help", Body: b}, nil
}
