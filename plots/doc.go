// Package plots draws the figures of results.json, one facts.Figure each, as SVG and
// PNG. It computes nothing: every number is in the figure already.
//
//  1. compose: a kind of figure becomes a drawing: marks in data space, axes, legend.
//  2. layout: texts are measured, wrapped and given room; ticks are chosen.
//  3. paint: the drawing goes to a canvas of gonum/plot's vector graphics.
//
// Tests are on the drawing, which is text, not on pixels.
//
// # House style
//
// All of it is in style.go.
//
//   - Colours are those of Okabe and Ito (Color Universal Design, 2008), and never tell
//     anything alone: each series has its own glyph and dash too.
//   - Blue is a change for the better, vermillion one for the worse, and only where a
//     ratio is different. What is not resolved is hollow and has a "?"; what is
//     equivalent is grey and has a "=". Where words are shown, no series is blue or
//     vermillion.
//   - Bars lie, so that names are read without turning the head. They begin at 0, or at
//     1 where they are ratios; on a log axis without a 1 there are no bars, but points.
//   - Intervals are whiskers; one that leaves the axis has no cap there.
//   - Log axes are labelled 1, 2, 5, 10; an axis of shares ends at 100 %.
//   - Points of a fit's series are not joined: the fit, dashed, is the line.
//   - The first series has the widest line and the last the thinnest, and points stand a
//     little apart, so that lines on top of one another are all seen.
//   - The legend is below, explains every look that occurs, and only those.
//   - Nothing is cut off: texts are wrapped, then shortened with an ellipsis, and the
//     figure grows with its categories.
//
// # Invariants
//
//   - The same figure gives the same bytes on the same build.
//   - What cannot be drawn is said: a value that a log axis has no place for is counted
//     in the legend.
package plots
