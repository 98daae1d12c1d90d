"""The yardstick of `accept`: a FastAPI endpoint that reads the body and answers a constant. No database, no log.

    python -m bench.bare PORT

One process, with the server and the settings of the product's API.
"""

import sys

import uvicorn
from fastapi import FastAPI, Request

app = FastAPI()


@app.post("/send")
async def send(request: Request) -> dict[str, dict[str, object]]:
    """Read the body and answer in the words of the real endpoint."""
    await request.body()
    return {"response": {"status": 200, "message": "OK", "data": "250 2.1.0 Ok"}}


if __name__ == "__main__":
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=int(sys.argv[1]),
        loop="uvloop",
        http="httptools",
        ws="none",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
    )
