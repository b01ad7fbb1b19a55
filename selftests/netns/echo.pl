#!/usr/bin/perl
# SPDX-License-Identifier: MIT
# echo.pl ADDRESS SECONDS SIZE...: an ICMP or ICMPv6 echo request of each size, one after the
# other; fails unless each is answered with the same bytes in time.  One process for all of
# them: starting ping for each takes longer than all the rest of a test.
use strict;
use warnings;
use Socket qw(:DEFAULT inet_pton pack_sockaddr_in6 AF_INET6 IPPROTO_ICMP IPPROTO_ICMPV6);
use Time::HiRes qw(time);

my ($address, $seconds, @sizes) = @ARGV;
my $v6 = $address =~ /:/;
socket(my $sock, $v6 ? AF_INET6 : AF_INET, SOCK_RAW, $v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP)
	or die "socket: $!";
my $to = $v6 ? pack_sockaddr_in6(0, inet_pton(AF_INET6, $address))
	: pack_sockaddr_in(0, inet_aton($address));
my ($request, $reply) = $v6 ? (128, 129) : (8, 0);

sub checksum {
	my $data = shift;
	$data .= "\0" if length($data) % 2;
	my $sum = 0;
	$sum += $_ for unpack 'n*', $data;
	$sum = ($sum & 0xffff) + ($sum >> 16) while $sum >> 16;
	return ~$sum & 0xffff;
}

my $number = 0;
for my $size (@sizes) {
	my $data = pack 'C*', map { ($_ * 7 + $size) & 255 } 1 .. $size;
	my $body = pack('nn', $$ & 0xffff, ++$number) . $data;
	my $sum = $v6 ? 0 : checksum(pack('CCn', $request, 0, 0) . $body);
	send($sock, pack('CCn', $request, 0, $sum) . $body, 0, $to) or die "size $size: $!\n";
	my $end = time + $seconds;
	while (1) {
		my $left = $end - time;
		my $ready = '';
		vec($ready, fileno $sock, 1) = 1;
		$left > 0 && select($ready, undef, undef, $left) or die "size $size: no answer\n";
		defined recv $sock, my $packet, 70000, 0 or die "size $size: $!\n";
		$packet = substr $packet, 4 * (ord($packet) & 15) unless $v6;
		next unless ord $packet == $reply && substr($packet, 4, 4) eq substr $body, 0, 4;
		substr($packet, 4) eq $body or die "size $size: other bytes came back\n";
		last;
	}
}
