#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Is standard input the Prometheus text format 0.0.4, strictly? Says what is wrong and fails.
use strict;
use warnings;

my (%help, %type, %seen, %buckets, %counts, $family, %ended);

sub wrong { die "line $.: $_[0]: $_\n" }

sub base_name {
	my ($name) = @_;
	my $base = $name =~ s/_(bucket|sum|count)$//r;
	return ($type{$base} // '') eq 'histogram' ? $base : $name;
}

while (<STDIN>) {
	chomp;
	if (/^# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)$/) {
		my ($what, $name, $rest) = ($1, $2, $3);
		my $table = $what eq 'HELP' ? \%help : \%type;
		wrong("$what twice") if exists $table->{$name};
		wrong("no such type") if $what eq 'TYPE' && $rest !~ /^(counter|gauge|histogram)$/;
		wrong("TYPE without HELP") if $what eq 'TYPE' && !$help{$name};
		wrong("a counter's name ends in _total")
			if $rest eq 'counter' && $what eq 'TYPE' && $name !~ /_total$/;
		$table->{$name} = $rest;
		next;
	}
	/^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (-?[0-9.]+(?:e[-+]?[0-9]+)?|\+Inf|NaN)$/
		or wrong("no sample");
	my ($name, $text, $value) = ($1, $2 // '', $3);
	my $base = base_name($name);
	wrong("no TYPE before it") unless $type{$base};
	if (!defined $family || $family ne $base) {
		wrong("family in two places") if $ended{$base}++;
		$family = $base;
	}
	my %labels;
	my $rest = $text;
	while ($rest ne '') {
		$rest =~ s/^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,(?=.)|$)//
			or wrong("bad labels");
		wrong("label twice") if exists $labels{$1};
		$labels{$1} = $2;
	}
	my $series = join(',', map { "$_=$labels{$_}" } sort keys %labels);
	wrong("series twice") if $seen{"$name\{$series"}++;
	wrong("below 0") if $type{$base} ne 'gauge' && $value < 0;
	next if $type{$base} ne 'histogram';
	my $le = delete $labels{le};
	my $key = $base . join(',', map { "$_=$labels{$_}" } sort keys %labels);
	if ($name =~ /_bucket$/) {
		wrong("no le") unless defined $le;
		my $bound = $le eq '+Inf' ? 9**9**9 : $le;
		my $last = $buckets{$key} // [-1, 0];
		wrong("buckets out of order") if $bound <= $last->[0] || $value < $last->[1];
		$buckets{$key} = [$bound, $value];
	} elsif ($name =~ /_count$/) {
		$counts{$key} = $value;
	}
}
for (keys %buckets) {
	die "$_: no +Inf\n" if $buckets{$_}[0] != 9**9**9;
	die "$_: count is not the last bucket\n" if $buckets{$_}[1] != ($counts{$_} // -1);
}
for (keys %type) { die "$_: HELP without TYPE\n" unless $help{$_} }
print join("\n", sort keys %type), "\n";
