package dictionary

// Agree says whether the fast check of t claims no more than the validator does.
func Agree(t *Type, data map[string]any) bool {
	return !t.plain || !t.root.fits(data) || t.check.Validate(data) == nil
}

// Fast says whether the fast check alone accepts data.
func Fast(t *Type, data map[string]any) bool { return t.plain && t.root.fits(data) }
