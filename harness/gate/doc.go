// Package gate decides from records alone whether one revision of the store is
// worse than another. It runs nothing: `metabench gate` makes the records.
//
// # A gate's run
//
// Every block runs each load once on every arm, in a seeded random order, each
// trial on a fresh store. The arms are builds of the store:
//
//	base            the revision to compare with
//	head            the revision to judge
//	again           head a second time: a pair in which nothing differs
//	planted-NAME    head with a fault that is known: one for each kind of loss
//
// What is compared is a gate: one metric of one load, as floors.yaml lists them.
// From each block comes one loss, the logarithm of new/old, turned so that a
// positive one is for the worse. Neighbours in time share the machine's mood,
// which falls out of the quotient.
//
// # The rule
//
// A loss is compared with the gate's floor f, below which nobody cares. At a look
// k, with mean loss m of n blocks and its standard error s:
//
//	regressed     m - t(n-1, a_k) s > F    worse by more than the floor
//	improved      m + t(n-1, a_k) s < -F   better by more than the floor
//	pass          m + t(n-1, b_k) s < F    if worse, by less than the floor
//	undecided     otherwise: more blocks until the next look
//	inconclusive  undecided at the last look
//
// F is log(1+f), or -log(1-f) of a metric of which more is better. t(d, p) is the
// upper point of Student's t with d degrees of freedom. A metric of which neither
// more nor less is better (entries per Ready) regresses on either side, each with
// half of a_k, and passes when both bounds are within the floor.
//
// # Error rates
//
// Alpha is the chance that a run calls any of its gates regressed that is worse by
// no more than its floor. It is divided among the gates equally (Bonferroni), and
// among a gate's looks by the spending function of Lan and DeMets that resembles
// Pocock's, Alpha ln(1 + (e-1) t) at the share t of the planned blocks; a_k is what
// the look adds. Rejecting at level a_k at look k keeps the sum, Alpha, whatever
// the dependence between looks and between gates (Boole's inequality). The exact
// joint boundaries would be a little nearer, but hold for normal data only.
// Two equal revisions lie a whole floor away from that error, so that they are
// called different much more rarely: `metabench gate --power` measures how rarely.
//
// Beta is the chance that a gate passes although it is worse by its floor. It is
// spent over the looks in the same way, but not divided among gates: the run
// passes only if all do (an intersection-union test), so that one which does not
// is overlooked with Beta at most, however many others there are.
//
// Sources: Lan and DeMets, Discrete Sequential Boundaries for Clinical Trials,
// Biometrika 70 (1983); Pocock, Group Sequential Methods in the Design and Analysis
// of Clinical Trials, Biometrika 64 (1977); Jennison and Turnbull, Interim Analyses:
// The Repeated Confidence Interval Approach, JRSS B 51 (1989); Berger,
// Multiparameter Hypothesis Testing and Acceptance Sampling, Technometrics 24
// (1982).
//
// # Self-test
//
// In the same run and by the same rule head against itself must pass in every
// gate, and each planted fault must be called regressed in the gate that it is
// aimed at. Otherwise this machine cannot gate today: the outcome is inconclusive
// whatever the revisions look like.
//
// A power study measures the gate itself: runs in which base is head, with faults of
// rising size, of which some are in one run of several only. NewPower counts false
// alarms, and how often each fault was found. Equal revisions are the same binary
// there: what another layout of the same code would change is in neither rate.
//
// # History
//
// A gate compares two revisions and overlooks what is within its floors; many small
// losses add up. Each run can add what it measured of head to a history, in which
// Steps looks for changes of level without a floor.
//
// # Steady and noisy
//
// Steady metrics are counts per operation. Their loads have a window of a number
// of operations, one client and nothing under way at the edges, so that syncs,
// entries and bytes of the log hardly vary between trials at all. Noisy ones are
// times. Only the steady can fail where nobody controls what else runs
// (Options.SteadyOnly).
package gate
