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

.PHONY: image-arm64
image-arm64: need-image arm64 ## build the same for arm64 (build/gwbpf-image-arm64.tar)
	$(call say,IMAGE,build/gwbpf-image-arm64.tar)
	$(Q)other=$$(tests/kernels/root.sh arm64) && export other && architecture=arm64 \
		deploy/image/scratch.sh gwbpf:$(VERSION)-arm64 build/gwbpf-image-arm64.tar build/arm64/gwbpf \
		"$$other/bin/sleep"

.PHONY: dist
dist: ## make the source archive of this commit and its checksum (build/gwbpf-VERSION.tar.gz)
	$(Q)deploy/dist.sh $(VERSION) build

.PHONY: deb-deps
deb-deps: ## install what building the Debian package needs
	$(Q)deploy/deb/deps.sh

.PHONY: deb
deb: need-build need-deb dist ## build the Debian package of this commit (build/gwbpf_VERSION_ARCH.deb)
	$(Q)deploy/deb/build.sh build/gwbpf-$(VERSION).tar.gz build
