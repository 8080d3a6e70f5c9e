// Command quantity_oracle says what k8s.io/apimachinery makes of quantities.
//
// Each line of its input is a JSON token, read as the API machinery reads one in an object, or an array of
// two tokens. Each line of its output is the answer to the line at the same place.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"os"

	"k8s.io/apimachinery/pkg/api/resource"
)

// Reading is one quantity; without an error class everything else is set.
type Reading struct {
	Class     string `json:"class"`
	Format    string `json:"format,omitempty"`
	Printed   string `json:"printed,omitempty"`
	Text      string `json:"text,omitempty"`
	Nano      string `json:"nano,omitempty"`
	Milli     string `json:"milli,omitempty"`
	MilliNano string `json:"milli_nano,omitempty"`
	Whole     string `json:"whole,omitempty"`
	WholeNano string `json:"whole_nano,omitempty"`
	// Projections are those of the canonical text, read anew.
	Projections *Projections `json:"projections,omitempty"`
}

// Projections are 64-bit integers; what does not fit in them is something else.
type Projections struct {
	Value      int64 `json:"value"`
	MilliValue int64 `json:"milli_value"`
}

// Pair is two quantities and what comes of them.
type Pair struct {
	Class     string `json:"class"`
	Compared  int    `json:"compared"`
	Sum       string `json:"sum,omitempty"`
	SumNano   string `json:"sum_nano,omitempty"`
	SumFormat string `json:"sum_format,omitempty"`
	// SumProjections are those of the sum as it is held.
	SumProjections   *Projections `json:"sum_projections,omitempty"`
	Difference       string       `json:"difference,omitempty"`
	DifferenceNano   string       `json:"difference_nano,omitempty"`
	DifferenceFormat string       `json:"difference_format,omitempty"`
}

func main() {
	if err := answer(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func answer(in *os.File, out *os.File) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 1<<16), 1<<24)
	writer := bufio.NewWriter(out)
	encoder := json.NewEncoder(writer)
	for lines.Scan() {
		if err := encoder.Encode(lineAnswer(lines.Bytes())); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	return writer.Flush()
}

func lineAnswer(line []byte) any {
	var tokens []json.RawMessage
	if json.Unmarshal(line, &tokens) == nil && len(tokens) == 2 {
		return pair(tokens[0], tokens[1])
	}
	return reading(line)
}

func reading(token []byte) Reading {
	quantity, class := read(token)
	if class != "" {
		return Reading{Class: class}
	}
	milli, whole := quantity.DeepCopy(), quantity.DeepCopy()
	milli.RoundUp(resource.Milli)
	whole.RoundUp(0)
	return Reading{
		Format:      string(quantity.Format),
		Printed:     quantity.String(),
		Text:        canonical(quantity),
		Nano:        nano(quantity),
		Milli:       canonical(milli),
		MilliNano:   nano(milli),
		Whole:       canonical(whole),
		WholeNano:   nano(whole),
		Projections: projections(resource.MustParse(canonical(quantity))),
	}
}

func pair(left, right []byte) Pair {
	one, class := read(left)
	if class != "" {
		return Pair{Class: class}
	}
	other, class := read(right)
	if class != "" {
		return Pair{Class: class}
	}
	sum, difference := one.DeepCopy(), one.DeepCopy()
	sum.Add(other)
	difference.Sub(other)
	return Pair{
		Compared:         one.Cmp(other),
		Sum:              canonical(sum),
		SumNano:          nano(sum),
		SumFormat:        string(sum.Format),
		SumProjections:   projections(sum),
		Difference:       canonical(difference),
		DifferenceNano:   nano(difference),
		DifferenceFormat: string(difference.Format),
	}
}

func projections(quantity resource.Quantity) *Projections {
	return &Projections{Value: quantity.Value(), MilliValue: quantity.MilliValue()}
}

func read(token []byte) (resource.Quantity, string) {
	var quantity resource.Quantity
	err := quantity.UnmarshalJSON(token)
	switch {
	case err == nil:
		return quantity, ""
	case errors.Is(err, resource.ErrFormatWrong):
		return quantity, "format"
	case errors.Is(err, resource.ErrNumeric):
		return quantity, "numeric"
	case errors.Is(err, resource.ErrSuffix):
		return quantity, "suffix"
	default:
		return quantity, "other: " + err.Error()
	}
}

// canonical is the text without the spelling that a parsed quantity may retain.
func canonical(quantity resource.Quantity) string {
	if quantity.IsZero() {
		return "0"
	}
	number, suffix := quantity.CanonicalizeBytes(nil)
	return string(number) + string(suffix)
}

// nano is the exact amount in nano-units; "inexact" if it is none, which the parser rules out.
func nano(quantity resource.Quantity) string {
	copied := quantity.DeepCopy()
	amount := copied.AsDec()
	unscaled := new(big.Int).Set(amount.UnscaledBig())
	power := 9 - int64(amount.Scale())
	factor := new(big.Int).Exp(big.NewInt(10), big.NewInt(max(power, -power)), nil)
	if power >= 0 {
		return unscaled.Mul(unscaled, factor).String()
	}
	quotient, rest := new(big.Int).QuoRem(unscaled, factor, new(big.Int))
	if rest.Sign() != 0 {
		return "inexact"
	}
	return quotient.String()
}
