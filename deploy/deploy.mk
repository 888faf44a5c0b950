# SPDX-License-Identifier: Apache-2.0

.PHONY: image-deps
image-deps: ## install what building the container image needs
	$(Q)deploy/image/deps.sh

.PHONY: image
image: need-build need-image build/gwbpf-image.tar ## build the container image, without a registry

# sleep: what a pod of deploy/uninstall does once it has detached.
build/gwbpf-image.tar: build/gwbpf deploy/image/scratch.sh deploy/image/collect.sh
	$(call say,IMAGE,$@)
	$(Q)deploy/image/scratch.sh gwbpf:$(VERSION) $@ build/gwbpf /usr/bin/sleep
