"""simple-salesforce against the sandbox: every call that the acceptance names. Arguments: the ready file."""

import csv
import io
import json
import sys

import requests
from simple_salesforce import Salesforce, SalesforceMalformedRequest, SalesforceResourceNotFound

ready = json.load(open(sys.argv[1]))["salesforce"]


class Plain(requests.Session):
    """The client hard-codes https, and Salesforce's own host for a login."""

    def request(self, method, url, *arguments, **options):
        url = url.replace("https://test.salesforce.com", ready["login_url"]).replace("https://127", "http://127")
        return super().request(method, url, *arguments, **options)


session = Plain()
session.trust_env = False

# Sign-in: SOAP, JWT, and a ready token.
Salesforce(username=ready["username"], password=ready["password"], security_token="", domain="test",
           version="64.0", session=session).query("SELECT Id FROM Contact LIMIT 1")
Salesforce(username=ready["username"], consumer_key=ready["client_id"], privatekey=ready["private_key"],
           domain="test", session=session).query("SELECT Id FROM Contact LIMIT 1")
sf = Salesforce(instance_url=ready["instance_url"], session_id=ready["access_token"], version="65.0", session=session)

# Describe, and a query of more than one page.
fields = {field["name"]: field for field in sf.Contact.describe()["fields"]}
assert fields["Email"]["idLookup"] and fields["LastName"]["length"] == 80
assert "Contact" in [it["name"] for it in sf.describe()["sobjects"]]
everybody = sf.query_all("SELECT Id, Email, Account.Name FROM Contact")
assert everybody["totalSize"] > 2000 and len(everybody["records"]) == everybody["totalSize"]
assert not sf.query("SELECT Id FROM Contact")["done"]

# One record a call.
made = sf.Contact.create({"LastName": "Simple", "External_Id__c": "PY1"})
assert made["success"] and sf.Contact.update(made["id"], {"Title": "VP"}) == 204
assert sf.Contact.get(made["id"])["Title"] == "VP"
assert sf.Contact.get_by_custom_id("External_Id__c", "PY1")["Id"] == made["id"]
assert sf.Contact.upsert("External_Id__c/PY1", {"LastName": "Simpler"}) in (200, 204)
assert sf.Contact.upsert("External_Id__c/PY2", {"LastName": "Two"}) == 201
assert sf.Contact.delete(made["id"]) == 204
try:
    sf.Contact.get(made["id"])
    raise SystemExit("a deleted contact was found")
except SalesforceResourceNotFound:
    pass
try:
    sf.Contact.create({"FirstName": "Nobody"})
    raise SystemExit("a contact without a last name was taken")
except SalesforceMalformedRequest as error:
    assert error.content[0]["errorCode"] == "REQUIRED_FIELD_MISSING"

# Collections.
rows = [{"attributes": {"type": "Contact"}, "LastName": name} for name in ("A", "", "C")]
told = sf.restful("composite/sobjects", method="POST", data=json.dumps({"allOrNone": False, "records": rows}))
assert [row["success"] for row in told] == [True, False, True]

# Bulk API 2.0, in and out.
rows = [{"LastName": f"Bulk {row}", "External_Id__c": f"PYB{row}"} for row in range(450)]
job = sf.bulk2.Contact.insert(records=rows + [{"LastName": "", "External_Id__c": "PYBx"}])[0]
assert (job["numberRecordsProcessed"], job["numberRecordsFailed"]) == (451, 1)
assert "REQUIRED_FIELD_MISSING" in sf.bulk2.Contact.get_failed_records(job["job_id"])
rows = [{"LastName": "Old", "External_Id__c": "PYB1"}, {"LastName": "New", "External_Id__c": "PYB999"}]
job = sf.bulk2.Contact.upsert(records=rows, external_id_field="External_Id__c")[0]
done = csv.DictReader(io.StringIO(sf.bulk2.Contact.get_successful_records(job["job_id"])))
assert {row["External_Id__c"]: row["sf__Created"] for row in done} == {"PYB1": "false", "PYB999": "true"}
pages = list(sf.bulk2.Contact.query("SELECT Id FROM Contact WHERE External_Id__c LIKE 'PYB%'", max_records=200))
ids = [line.strip('"') for page in pages for line in page.split("\n")[1:] if line]
assert len(pages) == 3 and len(ids) == 451
job = sf.bulk2.Contact.delete(records=[{"Id": it} for it in ids])[0]
assert job["numberRecordsFailed"] == 0
assert sf.query("SELECT COUNT() FROM Contact WHERE External_Id__c LIKE 'PYB%'")["totalSize"] == 0
assert sf.api_usage["api-usage"].total == 15000
print("done")
