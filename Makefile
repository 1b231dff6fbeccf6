# The front door. Each target is a script in molecule/local/, where its settings are too (settings.sh).
.DEFAULT_GOAL := help
.PHONY: help up down status logs verify lint test test-faults bench install

help: ## Show this help
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 18

up: ## Bring the whole stack up on this machine, on a stand-in for the NAS
	@molecule/local/up

down: ## Remove it again, with its data
	@molecule/local/down

status: ## Containers, their use against limits, disk and memory
	@molecule/local/status

logs: ## Logs of all services, or of SERVICE=name; FOLLOW=1 follows
	@molecule/local/logs $(SERVICE)

verify: ## Check a deployed stack, changing nothing; INVENTORY=inventories/nas checks the NAS
	@INVENTORY="$(INVENTORY)" molecule/local/verify

lint: ## Every static check
	@molecule/local/lint

test: ## Everything that CI runs
	@molecule/local/test

test-faults: ## Every fault that the stack must survive, in the long form (about 40 minutes)
	@molecule/local/test-faults

bench: ## The bot's throughput, latency, CPU and memory against other bots; QUICK=1 takes a minute
	@molecule/local/bench $(if $(QUICK),--quick)

bench-deploy: ## Deployments, updates, rollbacks and restores, against the plan's procedure
	@molecule/local/bench-deploy

install: ## Only .venv with Ansible and the tools: what a deployment to a NAS needs
	@molecule/local/install tools
