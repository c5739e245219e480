package plan

// ItemsOn are the options that the plan's items switch on, by axis: what its baseline
// does not have when all of them are on. Empty for a plan without items.
func (p *Plan) ItemsOn() map[string]string {
	on := map[string]string{}
	for _, fa := range p.factors {
		for _, s := range fa.settings() {
			on[s.axis] = s.value
		}
	}
	return on
}
