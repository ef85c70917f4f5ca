// jsforce against the sandbox: every call that the acceptance names. Arguments: the ready file.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import jsforce from 'jsforce';

const ready = JSON.parse(fs.readFileSync(process.argv[2])).salesforce;
const app = { loginUrl: ready.login_url, clientId: ready.client_id, clientSecret: ready.client_secret };

// Sign-in: SOAP, client credentials, a refresh token for a session that has ended, and a ready token.
const soap = new jsforce.Connection({ loginUrl: ready.login_url, version: '64.0' });
assert.ok((await soap.login(ready.username, ready.password)).organizationId.startsWith('00D'));
const credentials = new jsforce.Connection({ instanceUrl: ready.instance_url, oauth2: app });
assert.ok((await credentials.authorize({ grant_type: 'client_credentials' })).id.startsWith('005'));
const ended = { instanceUrl: ready.instance_url, accessToken: 'ended', refreshToken: ready.refresh_token };
const renewed = new jsforce.Connection({ ...ended, oauth2: { ...app, redirectUri: 'http://localhost:1717/' } });
assert.equal((await renewed.query('SELECT Id FROM Contact LIMIT 1')).totalSize, 1);
const connection = new jsforce.Connection({
  instanceUrl: ready.instance_url, accessToken: ready.access_token, version: '65.0',
});
assert.equal((await connection.identity()).username, ready.username);
const contact = () => connection.sobject('Contact');

// Describe, and a query of more than one page.
assert.ok((await contact().describe()).fields.some((field) => field.name === 'Email' && field.idLookup));
assert.ok((await connection.describeGlobal()).sobjects.some((it) => it.name === 'Contact'));
const first = await connection.query('SELECT Id, Email, Account.Name FROM Contact');
const second = await connection.queryMore(first.nextRecordsUrl);
assert.equal(first.records.length, 2000);
assert.equal(2000 + second.records.length, first.totalSize);

// One record a call, and an upsert.
const made = await contact().create({ LastName: 'Js', External_Id__c: 'JS1' });
assert.ok((await contact().update({ Id: made.id, Title: 'VP' })).success);
assert.equal((await contact().retrieve(made.id)).Title, 'VP');
assert.equal((await contact().upsert({ External_Id__c: 'JS1', LastName: 'Jay' }, 'External_Id__c')).created, false);
assert.equal((await contact().find({ External_Id__c: 'JS1' }, 'LastName'))[0].LastName, 'Jay');

// Collections.
const rows = [{ External_Id__c: 'JS1', LastName: 'Jay' }, { External_Id__c: 'JS2', LastName: 'Kay' }];
const upserted = await contact().upsert(rows, 'External_Id__c', { allOrNone: false });
assert.deepEqual(upserted.map((row) => row.created), [false, true]);
const created = await contact().create([{ LastName: 'A' }, { LastName: '' }], { allOrNone: false });
assert.deepEqual(created.map((row) => row.success), [true, false]);
assert.equal(created[1].errors[0].statusCode, 'REQUIRED_FIELD_MISSING');
assert.ok((await contact().destroy([made.id]))[0].success);
await assert.rejects(contact().retrieve(made.id), { errorCode: 'NOT_FOUND' });

// Bulk API 2.0, in and out.
const lines = Array.from({ length: 300 }, (_, row) => `Bulk ${row},JSB${row}`);
const poll = { pollInterval: 50, pollTimeout: 60000 };
const loaded = await connection.bulk2.loadAndWaitForResults({
  object: 'Contact', operation: 'upsert', externalIdFieldName: 'External_Id__c',
  input: ['LastName,External_Id__c', ...lines, ',JSBx', ''].join('\n'), ...poll,
});
assert.equal(loaded.successfulResults.length, 300);
assert.match(loaded.failedResults[0].sf__Error, /^REQUIRED_FIELD_MISSING:/);
assert.equal(loaded.unprocessedRecords.length, 0);
const soql = "SELECT Id, LastName FROM Contact WHERE External_Id__c LIKE 'JSB%'";
const found = await (await connection.bulk2.query(soql, poll)).toArray();
assert.equal(found.length, 300);
const job = connection.bulk2.createJob({ object: 'Contact', operation: 'delete' });
await job.open();
await job.uploadData(found.map((row) => ({ Id: row.Id })));
await job.close();
await job.poll(poll.pollInterval, poll.pollTimeout);
assert.equal((await job.getAllResults()).successfulResults.length, 300);
assert.equal(connection.limitInfo.apiUsage.limit, 15000);
console.log('done');
