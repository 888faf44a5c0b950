// SPDX-License-Identifier: Apache-2.0

//go:build tools

// Programs that are built by their package, for go.mod to keep what they need.
package e2e

import (
	_ "github.com/onsi/ginkgo/v2/ginkgo"
	_ "k8s.io/kubernetes/test/images/agnhost"
)
