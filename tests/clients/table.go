// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto"
	"crypto/ed25519"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// A general is a GeneralName of a certificate: its whole tag, and what is in it.
type general struct {
	tag  byte
	data string
}

// A sample is a certificate of the table, as it is encoded. What is empty is as in most of them.
type sample struct {
	name      string
	version   int    // 0: the third, which alone has extensions
	encoded   []byte // the version as it is, in its place
	serial    int64
	subject   string
	issuer    []pkix.AttributeTypeAndValue
	names     []general
	san       []byte // the extension as it is, in place of names
	twice     bool   // the extension is there two times
	critical  bool
	notBefore string // as ASN.1: "U" or "G" and the text
	notAfter  string
}

// An answer is what Go says of a certificate.
type answer struct {
	File      string       `json:"file"`
	Parses    bool         `json:"parses"`
	NotBefore int64        `json:"notBefore,omitempty"`
	NotAfter  int64        `json:"notAfter,omitempty"`
	Issuer    string       `json:"issuer,omitempty"`
	Carries   []string     `json:"carries,omitempty"`
	Times     []timeAnswer `json:"times,omitempty"`
}

type timeAnswer struct {
	Now     int64 `json:"now"`
	Current bool  `json:"current"`
}

type answers struct {
	Asked []string `json:"asked"` // each of every certificate; what is not in carries is lacking
	Of    []answer `json:"of"`
}

// What every certificate is asked for.
var asked = []string{
	"org1-peer-gateway-svc", "ORG1-Peer-Gateway-SVC", "org1-peer-gateway-svc.", "org1-peer-gateway-svc..",
	"org1-peer-gateway-svc.fabric", "org1-peer-gateway-svc.fabric.svc",
	"org1-peer-gateway-svc.fabric.svc.", "org1-peer-gateway-svc.fabric.svc.cluster.local",
	"org1-peer1", "org1-peer1.", "org1-peer1.evil.example", "evil.example", ".evil.example",
	"a.svc", "a.b.svc", "svc", ".svc", "*.svc", "*", "*.", "a", "a.", ".", "..", "", "ns1.svc", ".ns1.svc",
	"a..b", "a.example.com", "fa.example.com", "f*.example.com", "a.b.example.com", "a.*.example.com",
	"*.*.example.com", "**.example.com", "example.com", "*.example.com",
	"under_score.svc", "-dash.svc", "dash-.svc", "upper.svc", "UPPER.SVC", "sp ace.svc", "a/b", "a:b", "a@b",
	"10.0.0.1", "[10.0.0.1]", "10.0.0.1.", "010.0.0.1", "10.0.0.2", "::ffff:10.0.0.1", "::ffff:10.0.0.2",
	"[::ffff:a00:2]", "::10.0.0.1", "10.0.1", "0.0.0.0", "fd00::1", "FD00::1", "[fd00::1]", "[fd00::1", "fd00:0:0::1",
	"fd00::1%eth0", "fd00::01", "fd00::00001", "::", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8",
	"[]", "[a]", "örg1-peer1", "xn--rg1-peer1-07a", "cn-only", "name-255.example",
	strings.Repeat("a", 63) + ".svc", strings.Repeat("a", 64) + ".svc",
}

func dns(names ...string) []general {
	var ret []general
	for _, name := range names {
		ret = append(ret, general{0x82, name})
	}
	return ret
}

func attribute(oid asn1.ObjectIdentifier, value string) pkix.AttributeTypeAndValue {
	return pkix.AttributeTypeAndValue{Type: oid, Value: value}
}

var (
	commonName   = asn1.ObjectIdentifier{2, 5, 4, 3}
	country      = asn1.ObjectIdentifier{2, 5, 4, 6}
	organization = asn1.ObjectIdentifier{2, 5, 4, 10}
)

func samples() []sample {
	const mapped = "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\x0a\x00\x00\x02"
	const v6 = "\xfd\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01"

	many := make([]string, 256)
	for i := range many {
		many[i] = fmt.Sprintf("name-%d.example", i)
	}
	long := make([]string, 256)
	for i := range long {
		long[i] = fmt.Sprintf("name-%d.%s.example", i, strings.Repeat(strings.Repeat("x", 31)+".", 5)+"y")
	}
	long[255] = "org1-peer-gateway-svc"

	return []sample{
		{name: "plain", names: dns("org1-peer1", "org1-peer-gateway-svc", "org1-peer-gateway-svc.fabric.svc")},
		{name: "upper", names: dns("ORG1-PEER1", "Upper.Svc")},
		{name: "cn-only", subject: "cn-only"},
		{name: "cn-beside-names", subject: "cn-only", names: dns("org1-peer1")},
		{name: "wildcard", names: dns("*.svc", "*.fabric.svc", "*.example.com")},
		{name: "wildcard-alone", names: dns("*")},
		{name: "wildcard-dot", names: dns("*.")},
		{name: "wildcard-part", names: dns("f*.example.com")},
		{name: "wildcard-second", names: dns("a.*.example.com")},
		{name: "wildcard-two", names: dns("*.*.example.com")},
		{name: "wildcard-double", names: dns("**.example.com")},
		{name: "dot-behind", names: dns("org1-peer1.", "org1-peer-gateway-svc.fabric.svc.", "a.")},
		{name: "dot-before", names: dns(".ns1.svc", ".svc", ".evil.example")},
		{name: "dot-alone", names: dns(".", "..", "")},
		{name: "dot-twice", names: dns("a..b")},
		{name: "letters", names: dns("under_score.svc", "-dash.svc", "dash-.svc", "sp ace.svc", "a/b", "a:b", "a@b")},
		{name: "long-labels", names: dns(strings.Repeat("a", 63)+".svc", strings.Repeat("a", 64)+".svc")},
		{name: "punycode", names: dns("xn--rg1-peer1-07a")},
		{name: "address-as-name", names: dns("10.0.0.1", "fd00::1", "[fd00::1]", "10.0.0.1.", "fd00::1%eth0", "[a]", "[]")},
		{name: "addresses", names: []general{{0x87, "\x0a\x00\x00\x01"}, {0x87, v6}}},
		{name: "address-mapped", names: []general{{0x87, mapped}}},
		{name: "address-zero", names: []general{{0x87, "\x00\x00\x00\x00"}}},
		{name: "address-zero6", names: []general{{0x87, strings.Repeat("\x00", 16)}}},
		{name: "address-counting", names: []general{{0x87, "\x00\x01\x00\x02\x00\x03\x00\x04\x00\x05\x00\x06\x00\x07\x00\x08"}}},
		{name: "address-seven", names: []general{{0x87, "\x00\x01\x00\x02\x00\x03\x00\x04\x00\x05\x00\x06\x00\x07\x00\x00"}}},
		{name: "address-5-bytes", names: []general{{0x82, "org1-peer1"}, {0x87, "\x0a\x00\x00\x01\x00"}}},
		{name: "address-empty", names: []general{{0x87, ""}}},
		{name: "nul", names: dns("org1-peer1\x00.evil.example", "evil.example\x00", "\x00")},
		{name: "not-ascii", names: dns("org1-peer1", "\xf6rg1-peer1")},
		{name: "utf8", names: dns("örg1-peer1")},
		{name: "email", names: []general{{0x81, "org1-peer1"}, {0x82, "a.svc"}}},
		{name: "email-not-ascii", names: []general{{0x81, "\xf6@a"}, {0x82, "a.svc"}}},
		{name: "uri", names: []general{{0x86, "spiffe://fabric/org1-peer1"}, {0x82, "a.svc"}}},
		{name: "uri-alone", names: []general{{0x86, "https://org1-peer1/"}}},
		{name: "other-kinds", names: []general{{0xa0, "\x06\x01\x2a\xa0\x02\x0c\x00"}, {0xa2, "org1-peer1"}, {0x88, "\x2a\x03"}, {0x82, "a.svc"}}},
		{name: "critical", critical: true, names: dns("org1-peer1")},
		{name: "san-empty", san: []byte{0x30, 0x00}},
		{name: "san-trailing", san: []byte{0x30, 0x03, 0x82, 0x01, 'a', 0x05, 0x00}},
		{name: "san-cut", san: []byte{0x30, 0x04, 0x82, 0x03, 'a', 'b'}},
		{name: "san-long-form", san: []byte{0x30, 0x04, 0x82, 0x81, 0x01, 'a'}},
		{name: "san-long-zeros", san: append([]byte{0x30, 0x82, 0x00, 0x83, 0x82, 0x81, 0x80}, strings.Repeat("a", 128)...)},
		{name: "san-indefinite", san: []byte{0x30, 0x80, 0x82, 0x01, 'a', 0x00, 0x00}},
		{name: "san-long-tag", san: []byte{0x30, 0x04, 0x9f, 0x02, 0x01, 'a'}},
		{name: "san-no-sequence", san: []byte{0x31, 0x03, 0x82, 0x01, 'a'}},
		{name: "san-nothing", san: []byte{}},
		{name: "san-twice", twice: true, names: dns("org1-peer1")},
		{name: "version-1", version: 1, names: dns("org1-peer1")},
		{name: "version-2", version: 2, names: dns("org1-peer1")},
		{name: "version-4", version: 4, names: dns("org1-peer1")},
		{name: "version-empty", encoded: []byte{0x02, 0x00}, names: dns("org1-peer1")},
		{name: "version-zeros", encoded: []byte{0x02, 0x02, 0x00, 0x02}, names: dns("org1-peer1")},
		{name: "version-no-integer", encoded: []byte{0x04, 0x01, 0x02}, names: dns("org1-peer1")},
		{name: "version-nothing", encoded: []byte{}, names: dns("org1-peer1")},
		{name: "serial-negative", serial: -5, names: dns("org1-peer1")},
		{name: "names-256", names: dns(many...)},
		{name: "names-40-kilobytes", names: dns(long...)},
		{name: "issuer-odd", names: dns("a.svc"), issuer: []pkix.AttributeTypeAndValue{
			attribute(country, "DE"), attribute(organization, "Örg, 1 + \"2\" <3>; \\"), attribute(commonName, " #ca ")}},
		{name: "issuer-hash", names: dns("a.svc"), issuer: []pkix.AttributeTypeAndValue{attribute(commonName, "#ca=1")}},
		{name: "issuer-none", names: dns("a.svc"), issuer: []pkix.AttributeTypeAndValue{}},
		{name: "time-1950", notBefore: "U500101000000Z", notAfter: "U991231235959Z"},
		{name: "time-2049", notBefore: "U000101000000Z", notAfter: "U491231235959Z"},
		{name: "time-9999", notBefore: "G19500101000000Z", notAfter: "G99991231235959Z"},
		{name: "time-leap", notBefore: "U000229000000Z", notAfter: "U240229000000Z"},
		{name: "time-no-leap", notBefore: "U010229000000Z", notAfter: "U240229000000Z"},
		{name: "time-month-13", notBefore: "U001301000000Z", notAfter: "U240229000000Z"},
		{name: "time-hour-24", notBefore: "U000101240000Z", notAfter: "U240229000000Z"},
		{name: "time-second-60", notBefore: "U000101000060Z", notAfter: "U240229000000Z"},
		{name: "time-no-seconds", notBefore: "U0001010000Z", notAfter: "U2402290000Z"},
		{name: "time-offset", notBefore: "U000101000000+0130", notAfter: "U240229000000-0200"},
		{name: "time-offset-zero", notBefore: "U000101000000+0000", notAfter: "U240229000000Z"},
		{name: "time-no-zone", notBefore: "U000101000000", notAfter: "U240229000000Z"},
		{name: "time-fraction", notBefore: "G20000101000000.5Z", notAfter: "G20240229000000Z"},
		{name: "time-general-no-seconds", notBefore: "G200001010000Z", notAfter: "G20240229000000Z"},
		{name: "time-text", notBefore: "Uyesterday", notAfter: "Utomorrow"},
		{name: "time-backwards", notBefore: "U300101000000Z", notAfter: "U200101000000Z"},
	}
}

func marshal(value any) []byte {
	der, err := asn1.Marshal(value)
	if err != nil {
		panic(err)
	}
	return der
}

func element(tag byte, data []byte) []byte {
	length := []byte{byte(len(data))}
	if len(data) > 0xffff {
		length = []byte{0x83, byte(len(data) >> 16), byte(len(data) >> 8), byte(len(data))}
	} else if len(data) > 0xff {
		length = []byte{0x82, byte(len(data) >> 8), byte(len(data))}
	} else if len(data) > 0x7f {
		length = []byte{0x81, byte(len(data))}
	}
	return append(append([]byte{tag}, length...), data...)
}

func instant(text string) []byte {
	tags := map[byte]byte{'U': 0x17, 'G': 0x18}
	return element(tags[text[0]], []byte(text[1:]))
}

func (s sample) extensions() []byte {
	var list []byte
	san := s.san
	if san == nil {
		for _, name := range s.names {
			san = append(san, element(name.tag, []byte(name.data))...)
		}
		san = element(0x30, san)
	}
	if s.names == nil && s.san == nil {
		return nil
	}
	extension := marshal(pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 17}, Critical: s.critical, Value: san})
	list = append(list, extension...)
	if s.twice {
		list = append(list, extension...)
	}
	return element(0xa3, element(0x30, list))
}

// name is a Name whose parts have an attribute each.
func name(parts []pkix.AttributeTypeAndValue) []byte {
	var list []byte
	for _, part := range parts {
		list = append(list, element(0x31, marshal(part))...)
	}
	return element(0x30, list)
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// encode makes the same bytes at each run: the key is always the same, and so is the signature.
func (s sample) encode(key ed25519.PrivateKey) []byte {
	algorithm := element(0x30, []byte{0x06, 0x03, 0x2b, 0x65, 0x70})
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		panic(err)
	}
	version, serial := s.version, s.serial
	if version == 0 {
		version = 3
	}
	if serial == 0 {
		serial = 1
	}
	issuer := s.issuer
	if issuer == nil {
		issuer = []pkix.AttributeTypeAndValue{attribute(organization, "org1.example.com"), attribute(commonName, "ca.org1.example.com")}
	}
	var tbs []byte
	if s.encoded != nil {
		tbs = append(tbs, element(0xa0, s.encoded)...)
	} else if version > 1 {
		tbs = append(tbs, element(0xa0, []byte{0x02, 0x01, byte(version - 1)})...)
	}
	tbs = append(tbs, marshal(big.NewInt(serial))...)
	tbs = append(tbs, algorithm...)
	tbs = append(tbs, name(issuer)...)
	tbs = append(tbs, element(0x30, append(instant(or(s.notBefore, "U200101000000Z")), instant(or(s.notAfter, "U300101000000Z"))...))...)
	tbs = append(tbs, name([]pkix.AttributeTypeAndValue{attribute(commonName, or(s.subject, "peer"))})...)
	tbs = append(tbs, public...)
	tbs = append(tbs, s.extensions()...)
	tbs = element(0x30, tbs)
	signature, err := key.Sign(nil, tbs, crypto.Hash(0))
	if err != nil {
		panic(err)
	}
	return element(0x30, append(append(tbs, algorithm...), element(0x03, append([]byte{0}, signature...))...))
}

// isCurrent asks Verify whether the certificate, trusted itself, is valid at a time.
func isCurrent(certificate *x509.Certificate, now int64) bool {
	roots := x509.NewCertPool()
	roots.AddCert(certificate)
	_, err := certificate.Verify(x509.VerifyOptions{Roots: roots, CurrentTime: time.Unix(now, 0)})
	var invalid x509.CertificateInvalidError
	return !errors.As(err, &invalid) || invalid.Reason != x509.Expired
}

func judge(file string, der []byte) answer {
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return answer{File: file}
	}
	var issuer pkix.RDNSequence
	if _, err := asn1.Unmarshal(certificate.RawIssuer, &issuer); err != nil {
		panic(err)
	}
	ret := answer{
		File: file, Parses: true, Issuer: issuer.String(),
		NotBefore: certificate.NotBefore.Unix(), NotAfter: certificate.NotAfter.Unix(),
	}
	for _, name := range asked {
		if certificate.VerifyHostname(name) == nil {
			ret.Carries = append(ret.Carries, name)
		}
	}
	for _, now := range []int64{ret.NotBefore - 1, ret.NotBefore, ret.NotAfter, ret.NotAfter + 1} {
		ret.Times = append(ret.Times, timeAnswer{now, isCurrent(certificate, now)})
	}
	return ret
}

// table writes a certificate for each case that matters, and answers.json with what Go says of it.
func table(args []string) error {
	if len(args) != 1 {
		return errors.New("usage: clients table DIRECTORY")
	}
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	all := answers{Asked: asked}
	for _, sample := range samples() {
		file := sample.name + ".der"
		der := sample.encode(key)
		if err := os.WriteFile(filepath.Join(args[0], file), der, 0o644); err != nil {
			return err
		}
		all.Of = append(all.Of, judge(file, der))
	}
	text, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(args[0], "answers.json"), append(text, '\n'), 0o644)
}
