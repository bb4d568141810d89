package access

import (
	"slices"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/workspace"
)

// Person is the viewer as workspaces know people.
func (v Viewer) Person() workspace.Person {
	return workspace.Person{Name: v.User, Role: string(v.Role), Auditor: v.Role == Auditor}
}

// Engaged are those engagements whose whole period the viewer may see.
func (v Viewer) Engaged(all []workspace.Engagement) []workspace.Engagement {
	return slices.DeleteFunc(all, func(e workspace.Engagement) bool { return v.Within(e.Period()) != nil })
}

// Workspace is what the viewer may see of one. Of an engagement that reaches beyond the
// viewer's periods it is nothing, as of one that isn't there.
func (v Viewer) Workspace(w *workspace.Workspace) (*workspace.Workspace, error) {
	if v.Within(w.Engagement.Period()) != nil {
		return nil, compliance.Errorf(compliance.NotFound, "there is no such engagement, or you may not see it")
	}
	return w.For(v.Person()), nil
}
