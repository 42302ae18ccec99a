//go:build tools

// Pins kustomize, with all that it is made of, by go.sum.  The version is the
// last that Go 1.19, Debian 12's, can build.
package tools

import _ "sigs.k8s.io/kustomize/kustomize/v5"
