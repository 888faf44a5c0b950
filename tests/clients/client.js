// SPDX-License-Identifier: Apache-2.0
// A client of Fabric's own library for Node: one connection, calls of one kind with a pause after
// each. What it counts stands in its file after each call. It knows nothing of gwbpf.
'use strict';
const crypto = require('crypto');
const fs = require('fs');
const grpc = require('@grpc/grpc-js');
const { connect, signers } = require('@hyperledger/fabric-gateway');
const { gateway } = require('@hyperledger/fabric-protos');

const [certificate, address, kind, pauseMs, file] = process.argv.slice(2);
const serverName = 'org1-peer-gateway-svc';
const tally = { calls: 0, failed: 0, codes: {}, failures: [], events: 0, ended: 0 };

function write() {
	fs.writeFileSync(`${file}.new`, JSON.stringify(tally));
	fs.renameSync(`${file}.new`, file);
}

function pause() {
	return new Promise((done) => setTimeout(done, Number(pauseMs)));
}

function open() {
	const { privateKey } = crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' });
	const client = new grpc.Client(
		address,
		grpc.credentials.createSsl(fs.readFileSync(`${certificate}.crt`)),
		{ 'grpc.ssl_target_name_override': serverName },
	);
	return connect({
		client,
		identity: { mspId: 'Org1MSP', credentials: Buffer.from('no peer looks at it') },
		signer: signers.newPrivateKeySigner(privateKey),
		evaluateOptions: () => ({ deadline: Date.now() + 15000 }),
		commitStatusOptions: () => ({ deadline: Date.now() + 15000 }),
	});
}

// What submitAsync() gives an application once the transaction is on its way.
function newCommit(link) {
	const request = new gateway.CommitStatusRequest();
	request.setChannelId('channel');
	request.setTransactionId('1');
	const signed = new gateway.SignedCommitStatusRequest();
	signed.setRequest(request.serializeBinary());
	return link.newCommit(signed.serializeBinary());
}

const calls = {
	evaluate: (link) => link.getNetwork('channel').getContract('cc').evaluateTransaction('read'),
	commit: (link) => newCommit(link).getStatus(),
};

// When it began, how long it took, and what the library says of it.
function failure(begin, error) {
	return `${new Date(begin).toISOString()} +${Date.now() - begin} ms: ${error.cause ?? error}`;
}

async function call(link) {
	const begin = Date.now();
	tally.calls++;
	try {
		await calls[kind](link);
	} catch (error) {
		const code = grpc.status[error.code ?? error.cause?.code] ?? String(error);
		tally.failed++;
		tally.codes[code] = (tally.codes[code] ?? 0) + 1;
		tally.failures.push(failure(begin, error));
	}
}

// A stream that ends is begun again, as an application with a checkpoint does.
async function follow(link) {
	for (;;) {
		try {
			const events = await link.getNetwork('channel').getChaincodeEvents('cc');
			for await (const event of events) {
				tally.events += event ? 1 : 0;
			}
		} catch {
			// Counted with the ends that come without an error.
		}
		tally.ended++;
		write();
		await pause();
	}
}

async function main() {
	const link = open();
	if (kind === 'events') {
		write();
		await follow(link);
	}
	for (;;) {
		await call(link);
		write();
		await pause();
	}
}

main().catch((error) => {
	console.error(error);
	process.exit(1);
});
