// Package infer is the one place where an interval, a p-value or a verdict word is
// made. It is pure: numbers in, numbers and words out. It knows no records.
//
// # Ratios
//
// What is compared is paired by block: both sides ran in the same stretch of time,
// so that what a slow machine does to a block falls on both sides of the quotient. A
// block gives one value, the logarithm of new/old, or another linear function of
// logarithms (an attribution's share). An Effect is their mean.
//
// A question asks for many effects at once. They are one family, and Judge makes
// their intervals together: with Confidence all of a family's intervals hold their
// true ratios. One interval is Student's, at the level 1 - Alpha/m of a family of m
// (Bonferroni, which holds for any dependence). The word follows from that interval
// alone, so that a number and its word never disagree:
//
//	equivalent   the interval lies within the margin, 1/(1+margin) to 1+margin
//	different    the interval leaves out 1
//	unresolved   neither; Found says what this run would have found
//
// An interval within the margin is two one-sided tests against its ends (Schuirmann,
// Journal of Pharmacokinetics and Biopharmaceutics 15, 1987), at half of their usual
// level. A real effect that is smaller than the margin is called equivalent: the
// margin says what nobody cares about.
//
// # Variance
//
// Three blocks say little about the noise of one ratio, but a family of thirty says
// much about the noise of its run. The variances of a family of MinPool or more are
// taken for draws from one distribution, scaled inverse chi-squared, that is fitted to
// them; each ratio's variance is then the weighted mean of its own and of that
// distribution's, with the degrees of freedom of both (Smyth, Linear Models and
// Empirical Bayes Methods for Assessing Differential Expression, Statistical
// Applications in Genetics and Molecular Biology 3, 2004). Where the variances of a
// family differ much, the fit gives the others little weight. A ratio's variance is
// never taken for smaller than its own: the noisy one among quiet ones stays noisy.
//
// # Why this one
//
// Candidates on simulated noise and on that of committed records (testdata), in
// families of 33. Any: how often a family of equal pairs has any that is called
// different, in percent; wanted are at most 5. Found: which share is called different
// where all differ by 1.22. Cover: how often an interval at 95 % by itself holds the
// truth. Noise has a standard deviation of 5.7 % (blocks of 4 %); that of records has
// 2 to 30 %. 400 families each; go test -v -run Study ./harness/infer logs a smaller
// table, STUDY_FAMILIES=400 before it makes this one.
//
//	                        t                 pooled            moderated
//	noise               n   any found cover   any found cover   any found cover
//	normal              3    4.5    5  95.2    3.8  100  95.0    1.2   87  96.3
//	normal              6    5.0   88  94.8    4.2  100  94.9    1.5  100  96.0
//	normal             10    5.2  100  95.3    4.8  100  95.0    2.8  100  96.1
//	differing           3    4.8   12  94.6   41.0   72  93.8    4.2   48  95.2
//	differing           6    4.2   70  95.2   39.0   96  94.4    3.0   79  95.8
//	differing          10    5.2   90  95.3   45.0   99  94.0    4.0   91  95.8
//	1 of 11 noisy       3    4.5    5  95.2   58.8   59  95.2    9.2   54  96.6
//	1 of 11 noisy       6    5.0   80  94.8   59.2   96  95.5    1.2   90  96.0
//	1 of 11 noisy      10    5.2   92  95.3   57.8   99  95.5    2.5   92  95.7
//	heavy tails         3    3.5   11  96.3   31.2   97  94.2    1.0   82  97.8
//	heavy tails         6    2.0   90  95.9   22.5  100  94.5    0.2   97  97.0
//	heavy tails        10    2.5   99  96.0   25.2  100  94.7    0.8   99  96.9
//	skewed              3   22.8   11  88.5   17.0  100  95.6    0.8   73  93.6
//	skewed              6   42.8   91  88.9   15.5  100  95.7    2.2   99  93.1
//	skewed             10   46.2  100  89.6   12.2  100  95.6   10.0  100  92.9
//	outliers            3    4.8    5  95.6   32.0   85  94.0    0.8   63  97.5
//	outliers            6    4.2   73  96.1   17.5   99  94.0    0.2   88  97.3
//	outliers           10    4.5   92  95.9   15.8  100  94.2    1.2   95  96.9
//	one baseline        3    4.0    5  95.5    8.5   98  92.4    4.8   89  94.8
//	one baseline        6    4.8   89  94.7    7.8  100  93.7    5.5  100  95.4
//	one baseline       10    2.5  100  95.1    7.2  100  94.5    4.5  100  95.9
//	tied                3   60.5    9  96.7    3.0   99  95.4    0.5   91  98.4
//	tied                6    4.2   85  94.4    4.8  100  94.6    3.5  100  96.0
//	tied               10    5.0  100  95.8    5.5  100  95.1    3.2  100  96.2
//	phase1 throughput   3    4.0    3  95.0   16.5   27  93.9    6.8   14  95.1
//	phase1 throughput   6    4.2   28  94.8   18.8   71  94.1    6.0   49  95.5
//	phase1 throughput  10    6.2   64  94.9   19.2   93  94.3    7.2   76  95.4
//	phase1 p99          3    4.8    1  95.0   16.0    5  94.5    6.0    3  95.4
//	phase1 p99          6    4.8    6  94.8   16.5   18  94.6    6.2   12  95.7
//	phase1 p99         10    6.5   27  94.9   18.5   39  94.5    6.2   34  95.6
//	phase1 allocs       3    5.0   82  94.5   31.2  100  93.4    7.8   92  94.9
//	phase1 allocs       6    6.5   97  94.6   33.2  100  93.8    6.2   98  95.5
//	phase1 allocs      10    5.2  100  94.7   31.5  100  93.3    4.0  100  95.4
//	ladder throughput   3    6.5    6  94.8   23.8   51  94.2    5.0   28  95.1
//	ladder throughput   6    6.0   50  94.7   27.8   91  93.7    5.5   67  95.1
//	ladder throughput  10    6.2   81  94.6   31.5   99  93.5    4.2   85  95.1
//
// t is Student's interval over a ratio's own blocks, pooled takes all variances of a
// family for the same, moderated is the one in use. Pooling calls what is noisier than
// its family different. Student's interval needs ten blocks where moderation needs
// three, and where values are tied or skewed it errs more often. A studentized
// bootstrap with Holm's correction, which reports had before, cannot give a p-value
// below n^(1-n), so that a large family hides large effects, and tied blocks leave it
// less.
//
// # Looks
//
// A series that is judged while it grows, as the regression gate's are, has bounds of
// its own: Looks.
//
// # What is not protected
//
// Blocks are taken for independent. A drift over the run that falls on both sides
// cancels; one that does not widens the interval. Where the noise of a ratio is skewed,
// one side quiet and the other with a long tail, families of ten and more blocks call
// too much different (row "skewed"); so do families of three blocks in which one
// effect is five times as noisy as the rest. Families are corrected one by one: a
// report of ten questions has ten chances.
package infer
